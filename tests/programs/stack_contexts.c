// guest: threads
// instrumented: yes
// What takes stacks apart, in contexts. stack_contexts CASE
#include "children.h"
#include "contexts.h"
#include "jumps.h"

#define CONTEXTS 8
#define ROUNDS 12

static __thread uint32_t passes;

// Checkpoints and jumps of a context, with switches in between.
static void jump_for_ever(void) {
  struct jump jump;
  volatile uint32_t own = ++passes;
  for (volatile uint64_t round = 1;; round++) {
    uint64_t value = CHECKPOINT(&jump);
    CHECK_OK(wasix_context_switch(back));
    if (value == 0) descend(&jump, own, round);
    CHECK(value == round && own > 0);
  }
}

static void *jump_in_contexts(void *argument) {
  uint64_t ids[CONTEXTS];
  struct jump jump;
  volatile uint32_t jumps = 0;
  passes = 0;
  for (uint32_t index = 0; index < CONTEXTS; index++) begin_context(ids[index] = make_context(), jump_for_ever);
  CHECK(passes == CONTEXTS);
  uint64_t value = CHECKPOINT(&jump);
  CHECK(value == jumps);
  for (uint32_t index = 0; index < CONTEXTS; index++) CHECK_OK(wasix_context_switch(ids[index]));
  if (jumps < ROUNDS) {
    jumps++;
    descend(&jump, 3, jumps);
  }
  for (uint32_t index = 0; index < CONTEXTS; index++) CHECK_OK(wasix_context_destroy(ids[index]));
  CHECK_OK(wasix_context_switch(0));
  CHECK(CHECKPOINT(&jump) == 0);
  return argument;
}

static void test_checkpoints(void) {
  struct thread *threads[6];
  for (uint32_t index = 0; index < 6; index++) threads[index] = thread_start(jump_in_contexts, NULL);
  jump_in_contexts(NULL);
  for (uint32_t index = 0; index < 6; index++) thread_result(threads[index]);
}

static struct jump elsewhere;

static void leap_elsewhere(void) { descend(&elsewhere, 2, 1); }

// A checkpoint of another context is none.
static void test_elsewhere(void) {
  if (CHECKPOINT(&elsewhere) == 0) begin_context(make_context(), leap_elsewhere);
  CHECK(false);
}

static void fork_in_context(void) {
  int32_t pid = -1;
  CHECK_ERRNO(WASI_ENOTSUP, wasix_proc_fork(1, &pid));
  CHECK_ERRNO(WASI_ENOTSUP, wasix_proc_fork(0, &pid));
  CHECK(pid == -1);
  passes++;
  CHECK_OK(wasix_context_switch(back));
  CHECK(passes == 3);
  CHECK_OK(wasix_context_switch(back));
  CHECK(false);
}

// A child has no contexts of its parent, and can make its own where it has a memory of its own.
static void test_forks(void) {
  uint64_t id = make_context();
  begin_context(id, fork_in_context);
  CHECK(passes == 1);
  int32_t parent = own_pid(), pid = -1;
  for (int32_t copies = 0; copies < 2; copies++) {
    CHECK_OK(wasix_proc_fork(copies, &pid));
    if (pid == 0) {
      CHECK(own_pid() != parent);
      if (copies) {
        CHECK_ERRNO(WASI_EINVAL, wasix_context_switch(id));
        CHECK(make_context() == 1);
        passes = 0;
        begin_context(1, fork_in_context);
        CHECK(passes == 1);
      } else {
        uint64_t none = 0;
        CHECK_ERRNO(WASI_ENOTSUP, wasix_context_switch(id));
        CHECK_ERRNO(WASI_ENOTSUP, wasix_context_create(&none, (uint32_t)(uintptr_t)enter_context));
        CHECK_ERRNO(WASI_ENOTSUP, wasix_context_destroy(id));
      }
      wasi_proc_exit(20 + (uint32_t)copies);
    }
    expect_exit(pid, 20 + (uint32_t)copies);
  }
  passes = 3;
  CHECK_OK(wasix_context_switch(id));
}

static void ask_in_context(void) {
  volatile uint32_t own = ++passes;
  for (volatile uint32_t round = own;; round += own) {
    CHECK_OK(wasix_proc_snapshot());
    CHECK_OK(wasix_context_switch(0));
    CHECK(round % own == 0);
    passes++;
  }
}

// Snapshots that contexts ask for, and one while none of them runs.
static void test_snapshots(void) {
  uint64_t ids[2];
  for (uint32_t index = 0; index < 2; index++) begin_context(ids[index] = make_context(), ask_in_context);
  CHECK_OK(wasix_proc_snapshot());
  for (uint32_t index = 0; index < 2; index++) CHECK_OK(wasix_context_switch(ids[index]));
  CHECK(passes == 4);
  CHECK_OK(wasix_context_destroy(ids[0]));
  CHECK_OK(wasix_proc_snapshot());
}

// Handlers in several contexts at once, each of which jumps, switches, and jumps again; that of the main one forks as well.
static volatile uint32_t ran;
static struct jump outside[CONTEXTS + 1];
static __thread uint32_t current;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  volatile uint32_t own = current, jumps = 0;
  struct jump here;
  if (signal == WASI_SIGNAL_CHLD) return;
  ran++;
  if (own == 0) {
    int32_t pid = -1;
    CHECK_OK(wasix_proc_fork(1, &pid));
    if (pid == 0) wasi_proc_exit(9);
    expect_exit(pid, 9);
  } else {
    uint64_t value = CHECKPOINT(&here);
    CHECK(value == jumps);
    CHECK_OK(wasix_context_switch(0));
    current = own;
    if (jumps++ < 2) descend(&here, own, jumps);
  }
  if (own % 2) descend(&outside[own], 3, own);
  CHECK(signal == WASI_SIGNAL_USR1);
}

static uint64_t handling[CONTEXTS + 1];

static void raise_for_ever(void) {
  volatile uint32_t own = current;
  for (;;) {
    uint64_t value = CHECKPOINT(&outside[own]);
    CHECK(value == 0 || value == own);
    if (value == 0) CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
    CHECK_OK(wasix_context_switch(0));
    current = own;
  }
}

static void test_handlers(void) {
  wasix_callback_signal("take_signal", 11);
  for (uint32_t index = 1; index <= CONTEXTS; index++) {
    current = index;
    begin_context(handling[index] = make_context(), raise_for_ever);
  }
  for (volatile uint32_t round = 0; round < 9; round++) {
    current = 0;
    if (round % 3 == 0) CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
    for (volatile uint32_t index = 1; index <= CONTEXTS; index++) CHECK_OK(wasix_context_switch(handling[index]));
  }
  // A handler lasts for three switches, and one more brings the next.
  CHECK(ran == 3 + CONTEXTS + 2 * CONTEXTS);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (text_equal(argv[1], "checkpoints")) test_checkpoints();
  else if (text_equal(argv[1], "elsewhere")) test_elsewhere();
  else if (text_equal(argv[1], "forks")) test_forks();
  else if (text_equal(argv[1], "handlers")) test_handlers();
  else if (text_equal(argv[1], "snapshots")) test_snapshots();
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
