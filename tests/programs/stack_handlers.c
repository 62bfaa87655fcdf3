// guest: threads
// instrumented: yes
// What takes stacks apart, in signals' handlers. stack_handlers WHERE CASE, where WHERE is the main thread ("main") or one of so many that threads share
// workers ("shared").
#include "children.h"
#include "contexts.h"
#include "jumps.h"

static volatile uint32_t ran;
static void (*volatile act)(void);
static void start_next(void);

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  volatile uint32_t own = (uint32_t)signal;
  if (signal == WASI_SIGNAL_CHLD && act != start_next) return;
  ran++;
  act();
  CHECK(own == (uint32_t)signal);
}

static void handle(void (*action)(void)) {
  act = action;
  wasix_callback_signal("take_signal", 11);
}

static int32_t fork_process(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(1, &pid));
  return pid;
}

static _Noreturn void leave(uint32_t code) {
  wasi_proc_exit(code);
  __builtin_unreachable();
}

static void settle(uint64_t milliseconds) { CHECK_OK(wasix_thread_sleep(milliseconds * 1000000)); }

// A child is made by the handler, and returns from it, as its parent does.
static volatile int32_t forked;

static void fork_here(void) {
  volatile double real = 2.5;
  forked = fork_process();
  CHECK(real == 2.5);
}

// The signal came from the call: it has its answer.
static void fork_after(void) {
  handle(fork_here);
  volatile uint32_t mark = 5;
  for (uint32_t round = 1; round <= 3; round++) {
    CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
    CHECK(mark == 5 && ran == round);
    if (forked == 0) leave(30 + round);
    expect_exit(forked, 30 + round);
  }
}

static int32_t send_signal(int32_t pid) { return wasix_proc_signal(pid, WASI_SIGNAL_USR1); }

// The thread that runs the case.
static int32_t runner;

static int32_t signal_runner(void) { return wasix_thread_signal(runner, WASI_SIGNAL_USR1); }

static _Atomic uint32_t gate, sent;

static void *signal_main(void *argument) {
  while (!gate) word_wait(&gate, 0, FOREVER);
  CHECK_OK(signal_runner());
  sent = 1;
  return NULL;
}

// The same for a call that waits. On a busy machine the signal may come before it: then what it waits for happens.
static _Atomic uint32_t is_through;
static int32_t pipe_reader, pipe_writer;

static void *signal_wait(void *act) {
  settle(20);
  CHECK_OK(signal_runner());
  for (uint32_t round = 0; round < 100 && !is_through; round++) settle(10);
  if (!is_through) ((void (*)(void))act)();
  return NULL;
}

static void fill_pipe(void) { CHECK_OK(write_bytes(pipe_writer, "x", 1)); }

static void drain_pipe(void) {
  static uint8_t bytes[1 << 16];
  const struct wasi_iovec piece = {bytes, sizeof bytes};
  for (uint32_t count; !is_through;) CHECK_OK(wasi_fd_read(pipe_reader, &piece, 1, &count));
}

static void do_nothing(void) {}

static struct thread *start_sender(void (*rescue)(void)) {
  is_through = 0;
  return thread_start(signal_wait, (void *)rescue);
}

static void end_sender(struct thread *sender) {
  is_through = 1;
  thread_result(sender);
}

// The signal came before the call: it is made afterwards, by both.
static void fork_before(void) {
  handle(fork_here);
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  struct thread *sender = thread_start(signal_main, NULL);
  gate = 1;
  word_wake_all(&gate);
  while (!sent) {}
  CHECK(ran == 0);
  CHECK_OK(write_bytes(writer, "x", 1));
  CHECK(ran == 1);
  if (forked == 0) leave(4);
  expect_exit(forked, 4);
  thread_result(sender);
  CHECK_OK(wasi_fd_close(writer));
  char bytes[8];
  CHECK(read_all(reader, bytes, sizeof bytes) == 2);
}

// Below many frames, which are all taken apart.
static uint32_t run_below(uint32_t depth, void (*run)(void)) {
  volatile uint32_t marks[4] = {depth, depth, depth, depth};
  if (depth == 0) run();
  else CHECK(run_below(depth - 1, run) == depth - 1);
  return marks[depth % 4];
}

// The signal came while the call waited.
static void fork_in_waits(void) {
  handle(fork_here);
  CHECK_OK(wasix_fd_pipe(&pipe_reader, &pipe_writer));
  struct thread *sender = start_sender(fill_pipe);
  uint8_t byte;
  const struct wasi_iovec piece = {&byte, 1};
  uint32_t count = 0;
  int32_t answer = wasi_fd_read(pipe_reader, &piece, 1, &count);
  CHECK(ran == 1 && (answer == WASI_EINTR || (answer == 0 && count == 1)));
  if (forked == 0) leave(5);
  expect_exit(forked, 5);
  end_sender(sender);
  sender = start_sender(do_nothing);
  while (ran == 1) {
    uint64_t before = now_nanoseconds();
    settle(50);
    CHECK(now_nanoseconds() - before >= 50000000);
  }
  if (forked == 0) leave(6);
  expect_exit(forked, 6);
  end_sender(sender);
  // A write that has moved a part answers with that.
  static uint8_t many[1 << 20];
  const struct wasi_ciovec all = {many, sizeof many};
  sender = start_sender(drain_pipe);
  CHECK_OK(wasi_fd_write(pipe_writer, &all, 1, &count));
  CHECK(ran == 3 && count > 0);
  if (forked == 0) leave(7);
  expect_exit(forked, 7);
  is_through = 1;
  CHECK_OK(wasi_fd_close(pipe_writer));
  end_sender(sender);
}

static void fork_deep(void) { CHECK(run_below(500, fork_before) == 500); }

static void wait_deep(void) { CHECK(run_below(500, fork_in_waits) == 500); }

// A child's end is told in the waits that it does not cut short, and the handler starts the next.
static volatile uint32_t left_to_start;

static void start_next(void) {
  if (left_to_start == 0) return;
  left_to_start--;
  if (fork_process() == 0) {
    settle(2);
    leave(left_to_start);
  }
}

static void fork_for_children(void) {
  handle(start_next);
  left_to_start = 6;
  start_next();
  uint32_t codes = 0;
  for (uint32_t index = 0; index < 6; index++) {
    struct end end;
    CHECK_OK(join_child(0, 0, &end));
    CHECK(!end.is_signal);
    codes |= 1u << end.code;
  }
  CHECK(codes == 0x3f);
}

// Handlers within handlers.
static void fork_innermost(void) {
  if (ran < 3) CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1 + ran));
  else fork_here();
}

static void fork_nested(void) {
  handle(fork_innermost);
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
  CHECK(ran == 3);
  if (forked == 0) leave(8);
  expect_exit(forked, 8);
  // One that comes to a handler that has been taken apart.
  ran = 1;
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
  if (forked == 0) leave(9);
  expect_exit(forked, 9);
}

static void fork_then_raise(void) {
  volatile uint32_t turn = ran;
  int32_t pid = fork_process();
  if (turn < 4) CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1 + turn));
  if (pid == 0) leave(turn);
  expect_exit(pid, turn);
}

static void fork_in_turn(void) {
  handle(fork_then_raise);
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
  CHECK(ran == 4);
}

// A child's handler begins on the child's stack, however early the signal comes.
static __thread uint32_t own = 3;

static void look_around(void) {
  volatile uint32_t on_stack = 4;
  CHECK(own == 5 && on_stack == 4);
}

static void early(void) {
  own = 5;
  handle(look_around);
  for (uint32_t round = 0; round < 12; round++) {
    volatile uint32_t mark = round;
    int32_t pid = fork_process();
    if (pid == 0) {
      while (ran == 0) settle(1);
      CHECK(mark == round && own == 5);
      leave(round);
    }
    CHECK_OK(send_signal(pid));
    expect_exit(pid, round);
  }
}

// As vfork: the child runs on the same memory, in the handler.
static void fork_shared_here(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(0, &pid));
  if (pid == 0) wasix_proc_exit2(11);
  expect_exit(pid, 11);
}

static void fork_shared(void) {
  handle(fork_shared_here);
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
  CHECK(ran == 1);
}

// Checkpoints within a handler; out of it to one of what it interrupted, on a stack that has been taken apart and put back.
static struct jump outside;

static void jump_here(void) {
  struct jump here;
  volatile uint32_t returns = 0;
  uint64_t value = CHECKPOINT(&here);
  CHECK(value == returns);
  if (returns++ < 3) descend(&here, 5, returns);
  if (ran % 2) descend(&outside, 20, ran);
}

static void jumps(void) {
  handle(jump_here);
  volatile uint32_t rounds = 0;
  uint64_t value = CHECKPOINT(&outside);
  CHECK(value == (rounds == 0 ? 0 : ran));
  if (rounds++ < 4) {
    CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
    CHECK(ran % 2 == 0);
    leap(&outside, ran);
  }
  CHECK(ran == 4);
}

// A checkpoint of a handler that has returned.
static struct jump inside;

static void keep_here(void) { CHECK(CHECKPOINT(&inside) == 0); }

static void dead(void) {
  handle(keep_here);
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
  leap(&inside, 1);
}

// Threads whose handlers wait for long: they leave their workers there, too.
static _Atomic uint32_t arrived;

static void wait_here(void) {
  arrived++;
  word_wake_all(&arrived);
  while (!gate) word_wait(&gate, 0, FOREVER);
}

static void *raise_signal(void *argument) {
  volatile uint32_t on_stack = (uint32_t)argument;
  int32_t tid;
  CHECK_OK(wasix_thread_id(&tid));
  wasix_callback_signal("take_signal", 11);
  CHECK_OK(wasix_thread_signal(tid, WASI_SIGNAL_USR1));
  CHECK(gate && on_stack == (uint32_t)argument);
  return argument;
}

static void sleeps(void) {
  enum { COUNT = 40 };
  struct thread *threads[COUNT];
  handle(wait_here);
  for (uint32_t index = 0; index < COUNT; index++) threads[index] = thread_start(raise_signal, (void *)index);
  for (uint32_t seen; (seen = arrived) < COUNT;) word_wait(&arrived, seen, FOREVER);
  settle(30);
  gate = 1;
  word_wake_all(&gate);
  for (uint32_t index = 0; index < COUNT; index++) CHECK((uint32_t)thread_result(threads[index]) == index);
}

// Signals from another thread and from children, handlers that do each of it, and calls of each kind, at random.
static uint32_t seed;
static volatile uint32_t depth, children;
static _Atomic uint32_t is_over;

static uint32_t pick(uint32_t count) {
  seed = seed * 1103515245 + 12345;
  return (seed >> 16) % count;
}

static void start_child(void) {
  int32_t pid = fork_process();
  if (pid == 0) leave((uint32_t)own_pid() & 63);
  children++;
}

static void do_something(void) {
  volatile uint32_t mark = ran;
  struct jump here;
  if (depth < 3) {
    depth++;
    switch (pick(4)) {
    case 0:
      if (children < 6) start_child();
      break;
    case 1:
      settle(pick(15));
      break;
    case 2: {
      volatile uint32_t returns = 0;
      uint64_t value = CHECKPOINT(&here);
      CHECK(value == returns);
      if (returns++ < 2) descend(&here, pick(10), returns);
      break;
    }
    }
    depth--;
  }
  CHECK(mark <= ran);
}

static void *pester(void *argument) {
  while (!is_over) {
    settle(1 + ((uint32_t)argument + now_nanoseconds() / 1000) % 3);
    CHECK_OK(signal_runner());
  }
  return NULL;
}

static void join_all(void) {
  for (; children > 0; children--) {
    struct end end;
    CHECK_OK(join_child(0, 0, &end));
    CHECK(!end.is_signal && end.code == ((uint32_t)end.pid & 63));
  }
}

static void storm(void) {
  handle(do_something);
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  struct thread *sender = thread_start(pester, NULL);
  for (volatile uint32_t round = 0; round < 60; round++) {
    volatile uint32_t kept = round * 3;
    uint8_t byte = (uint8_t)round;
    const struct wasi_iovec piece = {&byte, 1};
    uint32_t count = 0;
    CHECK_OK(write_bytes(writer, &byte, 1));
    int32_t answer;
    while ((answer = wasi_fd_read(reader, &piece, 1, &count)) == WASI_EINTR) {}
    CHECK(answer == 0 && count == 1 && byte == (uint8_t)round);
    if (pick(3) == 0) settle(pick(4));
    else if (pick(2)) CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR2));
    if (round % 10 == 9) {
      // Nobody counts children meanwhile.
      depth = 3;
      join_all();
      depth = 0;
    }
    CHECK(kept == round * 3);
  }
  is_over = 1;
  depth = 3;
  thread_result(sender);
  join_all();
}

// A call that instrumentation leaves out cannot be unwound, and says so.
static volatile int32_t refused;

static void fork_refused(void) {
  int32_t pid;
  refused = wasix_proc_fork(1, &pid);
}

static void refusals(void) {
  handle(fork_refused);
  gate = 1;
  struct thread *sender = thread_start(signal_main, NULL);
  while (!ran) now_nanoseconds();
  CHECK(refused == WASI_ENOTSUP);
  thread_result(sender);
}

static const char *name = "";

static void run_case(void) {
  CHECK_OK(wasix_thread_id(&runner));
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
      {"after", fork_after},       {"before", fork_before}, {"waits", fork_in_waits}, {"children", fork_for_children},
      {"deep", fork_deep},         {"deep-waits", wait_deep}, {"nested", fork_nested},     {"turn", fork_in_turn},  {"shared", fork_shared},  {"early", early},             {"jumps", jumps},
      {"sleeps", sleeps},          {"dead", dead},          {"refusals", refusals},     {"storm", storm},
  };
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (text_equal(name, cases[index].name)) cases[index].run();
  }
}

static _Atomic uint32_t may_end;

static void *wait_for_end(void *argument) {
  while (!may_end) word_wait(&may_end, 0, FOREVER);
  return argument;
}

static void *run_in_thread(void *argument) {
  run_case();
  return argument;
}

static void run_shared(void) {
  enum { COUNT = 12 };
  struct thread *threads[COUNT];
  for (uint32_t index = 0; index < COUNT; index++) threads[index] = thread_start(wait_for_end, NULL);
  thread_result(thread_start(run_in_thread, NULL));
  may_end = 1;
  word_wake_all(&may_end);
  for (uint32_t index = 0; index < COUNT; index++) thread_result(threads[index]);
}

int main(int argc, char **argv) {
  const char *where = argc > 1 ? argv[1] : "";
  name = argc > 2 ? argv[2] : "";
  seed = argc > 3 ? (uint32_t)text_number(argv[3]) : 0;
  if (text_equal(where, "shared")) run_shared();
  else run_case();
  print("%s: done\n", name);
  return 0;
}
