// guest: threads
// instrumented: yes
// Asks for snapshots of the machine, and tells what is there afterwards. process_snapshot CASE
#include "children.h"

static __thread uint32_t own_word = 6;

// A process alone: its stack, memory, numbers, files, pipes and arguments.
static void alone(void) {
  volatile uint32_t on_stack = 7;
  uint64_t before = now_nanoseconds();
  int32_t pipe[2];
  CHECK_OK(wasix_fd_pipe(&pipe[0], &pipe[1]));
  CHECK_OK(write_bytes(pipe[1], "in the pipe", 11));
  CHECK_OK(wasi_fd_close(pipe[1]));
  own_word = 8;
  print("before\n");
  CHECK_OK(wasix_proc_snapshot());
  CHECK(on_stack == 7 && own_word == 8 && now_nanoseconds() >= before);
  char bytes[64];
  CHECK(read_all(pipe[0], bytes, sizeof bytes) == 11 && memcmp(bytes, "in the pipe", 11) == 0);
  int32_t tid = 0;
  CHECK_OK(wasix_thread_id(&tid));
  print("after, in thread %d of process %d\n", tid, own_pid());
}

// Again and again, each from another depth.
static uint32_t deeper(uint32_t depth) {
  volatile uint32_t here = depth * 3;
  CHECK_OK(wasix_proc_snapshot());
  return depth == 0 ? here : deeper(depth - 1) + here;
}

static void again(void) { CHECK(deeper(3) == 18); }

static void *ask(void *argument) {
  own_word = (uint32_t)argument;
  CHECK_OK(wasix_proc_snapshot());
  CHECK(own_word == (uint32_t)argument);
  return (void *)((uint32_t)argument * 2);
}

// Every thread asks; those that have gone on make and join others.
static void threads(void) {
  struct thread *askers[2];
  for (uint32_t index = 0; index < 2; index++) askers[index] = thread_start(ask, (void *)(index + 1));
  CHECK_OK(wasix_proc_snapshot());
  uint32_t sum = 0;
  for (uint32_t index = 0; index < 2; index++) sum += (uint32_t)thread_result(askers[index]);
  CHECK(sum == 6);
  int32_t tid = 0;
  CHECK_OK(wasix_thread_id(&tid));
  print("threads %d, %d and %d\n", tid, askers[0]->tid, askers[1]->tid);
}

// A child and its parent.
static void family(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(1, &pid));
  CHECK_OK(wasix_proc_snapshot());
  if (pid == 0) {
    wasi_proc_exit(5);
    __builtin_unreachable();
  }
  expect_exit(pid, 5);
}

// A thread that makes no call.
static _Atomic uint32_t stop;
static void *spin(void *argument) {
  while (!stop) {
  }
  return argument;
}

static void refused(void) {
  struct thread *busy = thread_start(spin, NULL);
  print("asking\n");
  CHECK(wasix_proc_snapshot() == WASI_EAGAIN);
  stop = 1;
  thread_result(busy);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
      {"alone", alone}, {"again", again}, {"threads", threads}, {"family", family}, {"refused", refused},
  };
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (text_equal(name, cases[index].name)) cases[index].run();
  }
  print("%s: done\n", name);
  return 0;
}
