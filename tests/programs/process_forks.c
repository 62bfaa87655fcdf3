// guest: threads
// instrumented: yes
// Forks: with a copy of the memory and without. process_forks CASE
#include "children.h"

static int32_t fork_process(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(1, &pid));
  return pid;
}

// As vfork: the child runs on the same memory.
static int32_t fork_shared(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(0, &pid));
  return pid;
}

static _Noreturn void leave(uint32_t code) {
  wasi_proc_exit(code);
  __builtin_unreachable();
}

static uint32_t shared_word = 5;
static __thread uint32_t own_word = 6;

// Memory is copied, numbers go on, pids are right.
static void copies(void) {
  volatile uint32_t on_stack = 7;
  uint64_t wide = now_nanoseconds();
  double real = (double)(wide & 1023) / 4;
  int32_t parent = own_pid();
  int32_t pid = fork_process();
  CHECK((double)(wide & 1023) / 4 == real);
  if (pid == 0) {
    CHECK(own_pid() != parent && shared_word == 5 && own_word == 6 && on_stack == 7);
    int32_t tid = 0, above = 0;
    CHECK_OK(wasix_thread_id(&tid));
    CHECK_OK(wasix_proc_parent(own_pid(), &above));
    CHECK(tid == own_pid() && above == parent);
    shared_word = own_word = on_stack = 99;
    leave(42);
  }
  CHECK(pid > parent && own_pid() == parent);
  expect_exit(pid, 42);
  CHECK(shared_word == 5 && own_word == 6 && on_stack == 7);
}

// A child's child's child …
static void nested(void) {
  for (uint32_t depth = 0; depth < 4; depth++) {
    int32_t pid = fork_process();
    if (pid == 0) continue;
    struct end end;
    CHECK_OK(join_child(pid, 0, &end));
    leave(end.code + 1);
  }
  leave(10);
}

static void many(void) {
  int32_t pids[8];
  for (uint32_t round = 0; round < 4; round++) {
    for (uint32_t index = 0; index < 8; index++) {
      pids[index] = fork_process();
      if (pids[index] == 0) leave(index + round);
    }
    for (uint32_t index = 0; index < 8; index++) expect_exit(pids[index], index + round);
  }
}

// One after the other, so that each may get the memory of one before: it finds its parent's bytes there and nothing else, also where memories grew.
static void again(void) {
  enum { PAGES = 40, PAGE = 65536, STEP = 4096 };
  uint8_t *bytes = allocate(PAGES * PAGE);
  CHECK(bytes);
  for (uint32_t round = 0; round < 12; round++) {
    // Page by page: what the parent wrote, nothing, what the child before wrote too.
    for (uint32_t page = round % 3; page < PAGES; page += 3) bytes[page * PAGE + round] = (uint8_t)(round + 1);
    int32_t pid = fork_process();
    if (pid == 0) {
      for (uint32_t at = 0; at < PAGES * PAGE; at++) {
        uint32_t page = at / PAGE, within = at % PAGE;
        bool written = within <= round && page % 3 == within % 3;
        CHECK(bytes[at] == (written ? within + 1 : 0));
      }
      uint8_t *more = allocate(4 * PAGE);
      for (uint32_t at = 0; at < 4 * PAGE; at++) CHECK(more[at] == 0);
      for (uint32_t at = 0; at < 4 * PAGE; at += STEP) more[at] = 0xee;
      for (uint32_t at = 0; at < PAGES * PAGE; at += STEP) bytes[at] = 0xee;
      if (round % 4 == 0) CHECK(__builtin_wasm_memory_grow(0, 3) != (size_t)-1);
      leave(round);
    }
    expect_exit(pid, round);
    if (round % 5 == 4) CHECK(__builtin_wasm_memory_grow(0, 2) != (size_t)-1);
  }
}

// A pipeline of forks.
static void pipes(void) {
  int32_t down[2], up[2];
  CHECK_OK(wasix_fd_pipe(&down[0], &down[1]));
  CHECK_OK(wasix_fd_pipe(&up[0], &up[1]));
  int32_t pid = fork_process();
  if (pid == 0) {
    CHECK_OK(wasi_fd_close(down[1]));
    CHECK_OK(wasi_fd_close(up[0]));
    char bytes[64];
    uint32_t size = read_all(down[0], bytes, sizeof bytes);
    for (uint32_t index = 0; index < size; index++) bytes[index] ^= 0x20;
    CHECK_OK(write_bytes(up[1], bytes, size));
    leave(0);
  }
  CHECK_OK(wasi_fd_close(down[0]));
  CHECK_OK(wasi_fd_close(up[1]));
  CHECK_OK(write_bytes(down[1], "through the child", 17));
  CHECK_OK(wasi_fd_close(down[1]));
  char bytes[64];
  CHECK(read_all(up[0], bytes, sizeof bytes) == 17);
  CHECK(memcmp(bytes, "THROUGH\0THE\0CHILD", 17) == 0);
  expect_exit(pid, 0);
}

static _Atomic uint32_t spinning;
static _Atomic uint32_t stop;

static void *spin(void *argument) {
  spinning++;
  while (!stop) shared_word++;
  return argument;
}

static void *fork_on_thread(void *argument) {
  own_word = 11;
  int32_t pid = fork_process();
  if (pid == 0) {
    int32_t tid = 0;
    CHECK_OK(wasix_thread_id(&tid));
    CHECK(own_word == 11 && tid == own_pid());
    // A process whose only thread came from another's spawned one makes threads itself.
    struct thread *thread = thread_start(spin, argument);
    while (!spinning) wasi_sched_yield();
    stop = 1;
    CHECK(thread_result(thread) == argument);
    leave(13);
  }
  expect_exit(pid, 13);
  return argument;
}

// Forks on spawned threads while others run.
static void threads(void) {
  struct thread *busy = thread_start(spin, NULL);
  while (!spinning) wasi_sched_yield();
  spinning = 0;
  struct thread *forkers[3];
  for (size_t index = 0; index < 3; index++) forkers[index] = thread_start(fork_on_thread, NULL);
  for (size_t index = 0; index < 3; index++) thread_result(forkers[index]);
  stop = 1;
  thread_result(busy);
}

// A child returns from the thread's function, and the process ends with 0.
static void *fork_and_return(void *argument) {
  int32_t pid = fork_process();
  if (pid == 0) return argument;
  expect_exit(pid, 0);
  return argument;
}

static void returns(void) { thread_result(thread_start(fork_and_return, NULL)); }

// The child has the parent's checkpoints, and its own from then on.
static void checkpoints(void) {
  static struct wasi_stack_snapshot snapshot;
  static uint64_t result;
  static volatile int32_t pid;
  CHECK_OK(wasix_stack_checkpoint(&snapshot, &result));
  if (result == 0) {
    pid = fork_process();
    wasix_stack_restore(&snapshot, pid == 0 ? 1 : 2);
  }
  if (result == 1) leave(21);
  CHECK(result == 2);
  expect_exit(pid, 21);
}

// A child on the same memory: it ends, or becomes another program, and the parent goes on with its stack as it was.
__attribute__((noinline)) static void scribble(uint32_t depth) {
  volatile uint8_t bytes[64];
  for (size_t index = 0; index < sizeof bytes; index++) bytes[index] = 0xee;
  if (depth > 0) scribble(depth - 1);
}

static void shared(void) {
  volatile uint32_t on_stack = 1;
  int32_t parent = own_pid();
  shared_word = 5;
  int32_t pid = fork_shared();
  if (pid == 0) {
    CHECK(own_pid() != parent);
    shared_word = 8;
    on_stack = 2;
    scribble(5);
    int32_t again = 0;
    CHECK_ERRNO(WASI_ENOTSUP, wasix_proc_fork(1, &again));
    wasix_proc_exit2(31);
  }
  CHECK(own_pid() == parent && pid != parent);
  // The memory is the child's as well, but for the stack.
  CHECK(shared_word == 8 && on_stack == 1);
  expect_exit(pid, 31);
  for (uint32_t code = 0; code < 3; code++) {
    pid = fork_shared();
    if (pid == 0) leave(code);
    expect_exit(pid, code);
  }
  pid = fork_shared();
  if (pid == 0) {
    CHECK_ERRNO(WASI_ENOENT, wasix_proc_exec3("/bin/nothing", 12, "x", 1, NULL, 0, 0, NO_PATH, 0));
    wasix_proc_exec3(SELF, text_length(SELF), "self\nexit", 9, NULL, 0, 0, NO_PATH, 0);
    CHECK(!"exec returned");
  }
  expect_exit(pid, 3);
}

// A child on the same memory returns from main, where it has exited.
static void falls(void) {
  int32_t pid = fork_shared();
  if (pid == 0) return;
  expect_exit(pid, 0);
}

// A child that becomes another program, after a full copy.
static void executes(void) {
  int32_t pid = fork_process();
  if (pid == 0) {
    wasix_proc_exec3(SELF, text_length(SELF), "self\nexit", 9, NULL, 0, 0, NO_PATH, 0);
    CHECK(!"exec returned");
  }
  expect_exit(pid, 3);
}

// Bad pointers answer an errno.
static void refusals(void) {
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_proc_fork(1, (void *)-2));
}

// A child that a signal ends, and one that traps.
static void ends(void) {
  int32_t pid = fork_process();
  if (pid == 0) {
    for (;;) wasix_thread_sleep(FOREVER / 2);
  }
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_TERM));
  expect_signal(pid, WASI_SIGNAL_TERM);
  pid = fork_process();
  if (pid == 0) __builtin_trap();
  struct end end;
  CHECK_OK(join_child(pid, 0, &end));
  CHECK(end.code == 45 || end.is_signal);
}

// Forks until there is no more room, and then all end.
static void storm(void) {
  static int32_t pids[64];
  uint32_t made = 0;
  for (;;) {
    int32_t pid = -1;
    int32_t error = wasix_proc_fork(1, &pid);
    if (error) {
      CHECK(error == WASI_EAGAIN || error == WASI_ENOMEM);
      break;
    }
    if (pid == 0) {
      for (;;) wasix_thread_sleep(FOREVER / 2);
    }
    CHECK(made < 64);
    pids[made++] = pid;
  }
  CHECK(made > 4);
  for (uint32_t index = 0; index < made; index++) CHECK_OK(wasix_proc_signal(pids[index], WASI_SIGNAL_KILL));
  for (uint32_t index = 0; index < made; index++) expect_signal(pids[index], WASI_SIGNAL_KILL);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  if (text_equal(name, "exit")) return 3;
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
      {"copies", copies},   {"nested", nested},           {"many", many},     {"again", again},           {"pipes", pipes},
      {"threads", threads}, {"returns", returns},         {"shared", shared}, {"falls", falls}, {"checkpoints", checkpoints},
      {"executes", executes}, {"refusals", refusals},     {"ends", ends},     {"storm", storm},
  };
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (text_equal(name, cases[index].name)) cases[index].run();
  }
  print("%s: done\n", name);
  return 0;
}
