// guest: threads
// instrumented: yes
// Threads that wait for long, so that they leave their workers where the engine cannot suspend them. stack_sleepers CASE
#define WEFT_STACK_SIZE 8192
#include "weft.h"

#define LONG_ENOUGH 40000000ull // nanoseconds: longer than a wait stays in place

static _Atomic uint32_t arrived, gate, passed;

static void wait_until_all(uint32_t count) {
  for (uint32_t seen; (seen = arrived) < count;) word_wait(&arrived, seen, FOREVER);
}

static void arrive(void) {
  arrived++;
  word_wake_all(&arrived);
}

static void open_gate(void) {
  gate = 1;
  word_wake_all(&gate);
}

static __thread uint64_t own;

// Locals of every type, thread-local variables and the stack's memory are as they were.
static void *wait_at_gate(void *argument) {
  volatile uint32_t on_stack = (uint32_t)argument * 3;
  own = (uint64_t)(uint32_t)argument << 33;
  double real = (double)(uint32_t)argument / 2;
  arrive();
  while (!gate) word_wait(&gate, 0, FOREVER);
  CHECK(on_stack == (uint32_t)argument * 3 && own == (uint64_t)(uint32_t)argument << 33);
  CHECK(real * 2 == (double)(uint32_t)argument);
  passed++;
  return argument;
}

static void many(uint32_t count) {
  struct thread **threads = allocate(count * sizeof *threads);
  for (uint32_t index = 0; index < count; index++) threads[index] = thread_start(wait_at_gate, (void *)index);
  wait_until_all(count);
  // The host looks how many workers there are.
  print("all wait\n");
  char byte;
  const struct wasi_iovec piece = {(uint8_t *)&byte, 1};
  uint32_t size;
  CHECK_OK(wasi_fd_read(0, &piece, 1, &size));
  open_gate();
  for (uint32_t index = 0; index < count; index++) CHECK((uint32_t)thread_result(threads[index]) == index);
  CHECK(passed == count);
}

// Sleeps end at their time, in order, and not before.
static _Atomic uint32_t woken;

static void *sleep_long(void *argument) {
  uint32_t index = (uint32_t)argument;
  for (uint32_t round = 0; round < 3; round++) {
    uint64_t begin = now_nanoseconds();
    uint64_t time = LONG_ENOUGH + index % 7 * 10000000ull;
    if (index % 2) CHECK_OK(wasix_thread_sleep(time));
    else {
      static _Atomic uint32_t never;
      CHECK(!word_wait(&never, 0, time));
    }
    CHECK(now_nanoseconds() - begin >= time);
  }
  woken++;
  return NULL;
}

static void timers(void) {
  struct thread *threads[40];
  for (uint32_t index = 0; index < 40; index++) threads[index] = thread_start(sleep_long, (void *)index);
  for (uint32_t index = 0; index < 40; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  CHECK(woken == 40);
}

// Reads and writes of pipes, in the middle of a long write too; poll with a time-out, and without.
static int32_t ends[2];

static void *write_much(void *argument) {
  static uint8_t bytes[300000];
  for (uint32_t index = 0; index < sizeof bytes; index++) bytes[index] = (uint8_t)(index * 7);
  const struct wasi_ciovec piece = {bytes, sizeof bytes};
  uint32_t written = 0;
  CHECK_OK(wasi_fd_write(ends[1], &piece, 1, &written));
  CHECK(written == sizeof bytes);
  CHECK_OK(wasi_fd_close(ends[1]));
  return argument;
}

static void *poll_with_timeout(void *argument) {
  struct wasi_subscription wanted[2] = {
      {.userdata = 1, .u = {.tag = WASI_EVENTTYPE_FD_READ, .u.fd_read = {ends[0]}}},
      {.userdata = 2, .u = {.tag = WASI_EVENTTYPE_CLOCK, .u.clock = {.id = WASI_CLOCKID_MONOTONIC, .timeout = LONG_ENOUGH}}},
  };
  struct wasi_event events[2];
  uint32_t count = 0;
  uint64_t begin = now_nanoseconds();
  CHECK_OK(wasi_poll_oneoff(wanted, events, 2, &count));
  CHECK(count == 1 && events[0].userdata == 2 && now_nanoseconds() - begin >= LONG_ENOUGH);
  arrive();
  CHECK_OK(wasi_poll_oneoff(wanted, events, 1, &count));
  CHECK(count == 1 && events[0].userdata == 1);
  uint32_t total = 0;
  for (;;) {
    uint8_t bytes[1000];
    const struct wasi_iovec piece = {bytes, sizeof bytes};
    uint32_t size = 0;
    CHECK_OK(wasi_fd_read(ends[0], &piece, 1, &size));
    if (size == 0) break;
    for (uint32_t index = 0; index < size; index++) CHECK(bytes[index] == (uint8_t)((total + index) * 7));
    total += size;
    if (total % 50000 == 0) CHECK_OK(wasix_thread_sleep(LONG_ENOUGH));
  }
  CHECK(total == 300000);
  return argument;
}

static void pipes(void) {
  CHECK_OK(wasix_fd_pipe(&ends[0], &ends[1]));
  struct thread *reader = thread_start(poll_with_timeout, NULL);
  wait_until_all(1);
  CHECK_OK(wasix_thread_sleep(LONG_ENOUGH));
  struct thread *writer = thread_start(write_much, NULL);
  CHECK_OK(wasix_thread_join(writer->tid));
  CHECK_OK(wasix_thread_join(reader->tid));
}

// Threads that compute until a sleeping one has gone on: there must be workers for all.
static void *compute_until(void *argument) {
  arrive();
  while (!gate) __c11_atomic_thread_fence(__ATOMIC_SEQ_CST);
  return argument;
}

static void *open_later(void *argument) {
  CHECK_OK(wasix_thread_sleep(LONG_ENOUGH));
  wait_until_all(12);
  gate = 1;
  return argument;
}

static void computing(void) {
  struct thread *threads[13];
  threads[12] = thread_start(open_later, NULL);
  for (uint32_t index = 0; index < 12; index++) threads[index] = thread_start(compute_until, NULL);
  for (uint32_t index = 0; index < 13; index++) thread_result(threads[index]);
}

// Signals reach a thread that sleeps; its wait goes on, or is cut short, as of any other.
static _Atomic uint32_t taken;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  CHECK(signal == WASI_SIGNAL_USR1);
  taken++;
}

static void *sleep_through(void *argument) {
  arrive();
  uint64_t begin = now_nanoseconds();
  CHECK_OK(wasix_thread_sleep(4 * LONG_ENOUGH));
  CHECK(now_nanoseconds() - begin >= 4 * LONG_ENOUGH && taken >= 1);
  char byte;
  const struct wasi_iovec piece = {(uint8_t *)&byte, 1};
  uint32_t size;
  arrive();
  CHECK_ERRNO(WASI_EINTR, wasi_fd_read(ends[0], &piece, 1, &size));
  return argument;
}

static void signals(void) {
  wasix_callback_signal("take_signal", 11);
  CHECK_OK(wasix_fd_pipe(&ends[0], &ends[1]));
  struct thread *thread = thread_start(sleep_through, NULL);
  for (uint32_t count = 1; count <= 2; count++) {
    wait_until_all(count);
    CHECK_OK(wasix_thread_sleep(LONG_ENOUGH));
    CHECK_OK(wasix_thread_signal(thread->tid, WASI_SIGNAL_USR1));
  }
  thread_result(thread);
  CHECK(taken == 2);
}

// One lock, handed over by threads that hold it for long.
static struct mutex lock;
static uint32_t counter;

static void *take_turns(void *argument) {
  for (uint32_t round = 0; round < 3; round++) {
    mutex_lock(&lock);
    uint32_t before = counter;
    CHECK_OK(wasix_thread_sleep(12000000));
    counter = before + 1;
    mutex_unlock(&lock);
  }
  return argument;
}

static void turns(void) {
  struct thread *threads[6];
  for (uint32_t index = 0; index < 6; index++) threads[index] = thread_start(take_turns, NULL);
  for (uint32_t index = 0; index < 6; index++) thread_result(threads[index]);
  CHECK(counter == 18);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  if (text_equal(name, "many")) many((uint32_t)text_number(argv[2]));
  if (text_equal(name, "timers")) timers();
  if (text_equal(name, "pipes")) pipes();
  if (text_equal(name, "computing")) computing();
  if (text_equal(name, "signals")) signals();
  if (text_equal(name, "turns")) turns();
  if (text_equal(name, "exit")) {
    // Leaves while threads sleep.
    for (uint32_t index = 0; index < 30; index++) thread_start(wait_at_gate, (void *)index);
    wait_until_all(30);
    CHECK_OK(wasix_thread_sleep(LONG_ENOUGH));
    wasi_proc_exit(9);
  }
  print("%s: done\n", name);
  return 0;
}
