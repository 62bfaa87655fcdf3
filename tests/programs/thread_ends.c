// guest: threads
// The ways in which threads and their process end. The argument names the case.
#include "weft.h"

static _Atomic uint32_t gate;
static _Atomic uint32_t arrived;
static _Atomic uint32_t never;

__attribute__((noinline, optnone)) static uint32_t leave_from_depth(uint32_t depth) {
  if (depth == 0) wasix_thread_exit(77);
  return leave_from_depth(depth - 1) + 1;
}

static void *leave(void *argument) {
  arrived++;
  leave_from_depth(300);
  arrived += 100;
  return argument;
}

static void *come_back(void *argument) {
  arrived++;
  return argument;
}

static void clean_ends(void) {
  for (int index = 0; index < 3; index++) {
    struct thread *left = thread_start(leave, NULL);
    CHECK_OK(wasix_thread_join(left->tid));
    CHECK(!left->ended);
    struct thread *back = thread_start(come_back, (void *)5);
    CHECK(thread_result(back) == (void *)5);
    CHECK_OK(wasix_thread_join(back->tid));
  }
  CHECK(arrived == 6);
}

// Runs on after main has left, and says so.
static void *outlive(void *argument) {
  CHECK_OK(wasix_thread_join(1 + (int32_t)argument));
  CHECK_OK(wasix_thread_sleep(5000000));
  print("main has left\n");
  return argument;
}

static void *outlive_and_exit(void *argument) {
  outlive(argument);
  wasi_proc_exit(5);
  return NULL;
}

__attribute__((noinline)) static void spring_the_trap(const char *kind) {
  volatile uint32_t zero = 0;
  if (text_equal(kind, "unreachable")) __builtin_trap();
  if (text_equal(kind, "bounds")) *(volatile uint32_t *)0xfffffff0u = 1;
  if (text_equal(kind, "divide")) {
    // In C a division by zero may be anything; the instruction's is a trap.
    uint32_t quotient;
    __asm__ volatile("i32.const 1\nlocal.get %1\ni32.div_u\nlocal.set %0" : "=r"(quotient) : "r"(zero));
    arrived = quotient;
  }
  if (text_equal(kind, "indirect")) ((void (*)(void))zero)();
  CHECK(false);
}

// Uses the engine's stack alone, none of the linear memory's: that would be out of bounds first.
__attribute__((noinline)) static uint32_t recurse_without_end(uint32_t depth) {
  if (arrived == 12345) return depth;
  return recurse_without_end(depth + 1) + arrived;
}

static void *trap_in_thread(void *kind) {
  if (text_equal(kind, "overflow")) recurse_without_end(0);
  spring_the_trap(kind);
  return NULL;
}

static void *exit_at_gate(void *code) {
  arrived++;
  while (!gate) continue;
  wasi_proc_exit((uint32_t)code);
  return NULL;
}

// Two threads that have waited for the same moment exit with codes of their own.
static void race(void) {
  thread_start(exit_at_gate, (void *)11);
  thread_start(exit_at_gate, (void *)22);
  while (arrived < 2) CHECK_OK(wasix_thread_sleep(100000));
  gate = 1;
  for (;;) continue;
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  const char *end = argv[1];
  int32_t pid;
  CHECK_OK(wasix_proc_id(&pid));
  if (text_equal(end, "clean")) clean_ends();
  else if (text_equal(end, "main leaves")) {
    thread_start(outlive, (void *)(pid - 1));
    wasix_thread_exit(3);
  } else if (text_equal(end, "main leaves, thread exits")) {
    thread_start(outlive_and_exit, (void *)(pid - 1));
    wasix_thread_exit(3);
  } else if (text_equal(end, "only main leaves")) wasix_thread_exit(3);
  else if (text_equal(end, "race")) race();
  else if (text_equal(end, "main traps")) trap_in_thread(argv[2]);
  else if (text_equal(end, "thread traps")) {
    thread_start(trap_in_thread, argv[2]);
    word_wait(&never, 0, FOREVER);
  } else CHECK(false);
  print("done\n");
  return 0;
}
