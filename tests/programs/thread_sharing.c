// guest: threads
// Far more threads than workers: they compute, spin and wait with the engine's own instruction, and each must get its turn all the same.
// thread_sharing CASE THREADS; says "CASE: done" where everything came out as it must.
#include "weft.h"

static _Atomic uint32_t arrived;
static _Atomic uint32_t finished;
static _Atomic uint32_t gate;
static _Atomic uint32_t second_gate;
static _Atomic uint32_t stop;
static uint32_t count;
static struct thread *threads[256];

static void sleep_milliseconds(uint64_t milliseconds) { CHECK_OK(wasix_thread_sleep(milliseconds * 1000000)); }

static void start_all(void *(*run)(void *)) {
  for (uint32_t index = 0; index < count; index++) threads[index] = thread_start(run, (void *)index);
}

static void join_all(void) {
  for (uint32_t index = 0; index < count; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
}

static void await(_Atomic uint32_t *number, uint32_t value) {
  while (*number != value) sleep_milliseconds(1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Threads that compute for ever without a call of the kernel, each kind in its own way. Main ends meanwhile.

__attribute__((noinline)) static uint32_t grow_tree(uint32_t depth) {
  __asm__ volatile("");
  return depth ? grow_tree(depth - 1) + grow_tree(depth - 1) : 1;
}

static void *compute(void *place) {
  arrived++;
  switch ((uint32_t)place % 3) {
  case 0:
    for (;;) __asm__ volatile("");
  case 1:
    for (volatile uint32_t number = 0;; number++) continue;
  default: return (void *)grow_tree(64);
  }
}

static void test_compute(void) {
  start_all(compute);
  await(&arrived, count);
  for (int step = 0; step < 20; step++) sleep_milliseconds(1);
}

// ---------------------------------------------------------------------------------------------------------------------
// A lock that is spun for, held by threads that sleep.

static void *take_spin_lock(void *argument) {
  while (__c11_atomic_exchange(&gate, 1, __ATOMIC_SEQ_CST)) continue;
  uint32_t before = second_gate++;
  if (before % 8 == 0) sleep_milliseconds(2);
  CHECK(second_gate == before + 1);
  gate = 0;
  return argument;
}

static void test_spin_lock(void) {
  start_all(take_spin_lock);
  join_all();
  CHECK(second_gate == count);
}

// ---------------------------------------------------------------------------------------------------------------------
// Waits with the engine's own instruction.

static int32_t wait_raw(_Atomic uint32_t *word, uint32_t value, int64_t nanoseconds) {
  return __builtin_wasm_memory_atomic_wait32((int32_t *)word, (int32_t)value, nanoseconds);
}

static uint32_t notify_raw(_Atomic uint32_t *word, uint32_t most) {
  return (uint32_t)__builtin_wasm_memory_atomic_notify((int32_t *)word, most);
}

static void *wait_twice(void *argument) {
  CHECK(wait_raw(&stop, 1, -1) == 1);
  CHECK(wait_raw(&stop, 0, 100000) == 2);
  CHECK(wait_raw(&gate, 0, -1) == 0);
  arrived++;
  CHECK(wait_raw(&second_gate, 0, -1) == 0);
  finished++;
  return argument;
}

// All at once; then one by one. Those that are not there yet are waited for: the words stay what they are.
static void test_raw(void) {
  start_all(wait_twice);
  for (uint32_t woken = 0; woken < count; sleep_milliseconds(1)) woken += notify_raw(&gate, UINT32_MAX);
  await(&arrived, count);
  for (uint32_t index = 0; index < count; index++) {
    while (notify_raw(&second_gate, 1) == 0) sleep_milliseconds(1);
    await(&finished, index + 1);
  }
  CHECK(notify_raw(&second_gate, UINT32_MAX) == 0);
  join_all();
}

// ---------------------------------------------------------------------------------------------------------------------
// A barrier that everybody spins at.

static void *meet(void *argument) {
  for (uint32_t round = 0; round < 10; round++) {
    if (++arrived == count * (round + 1)) gate = round + 1;
    while (gate <= round) continue;
  }
  finished++;
  return argument;
}

static void test_barrier(void) {
  start_all(meet);
  join_all();
  CHECK(finished == count && arrived == count * 10);
}

// ---------------------------------------------------------------------------------------------------------------------
// Threads that sleep beside others that compute until they are told to stop.

static void *compute_until_told(void *argument) {
  arrived++;
  while (!stop) continue;
  return argument;
}

static void *sleep_often(void *argument) {
  for (int step = 0; step < 50; step++) sleep_milliseconds(1);
  finished++;
  return argument;
}

// Two of three sleep; those that compute are among the first and the last to be started.
static void test_beside(void) {
  uint32_t sleepers = 0;
  for (uint32_t index = 0; index < count; index++) {
    bool sleeps = index % 3 != 0;
    sleepers += sleeps;
    threads[index] = thread_start(sleeps ? sleep_often : compute_until_told, NULL);
  }
  await(&finished, sleepers);
  await(&arrived, count - sleepers);
  CHECK(!stop);
  stop = 1;
  join_all();
}

// ---------------------------------------------------------------------------------------------------------------------
// A word that is not atomic is handed on from the last thread to the first.

static volatile uint32_t plain;

static void *hand_on(void *place) {
  while (plain != (uint32_t)place + 1) continue;
  plain = (uint32_t)place;
  return NULL;
}

static void test_plain(void) {
  start_all(hand_on);
  sleep_milliseconds(2);
  plain = count;
  join_all();
  CHECK(plain == 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Signal handlers that wait until another thread wakes them.

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  CHECK(signal == WASI_SIGNAL_USR1);
  arrived++;
  while (!gate) word_wait(&gate, 0, FOREVER);
  finished++;
}

static void *be_signalled(void *argument) {
  wasix_callback_signal("take_signal", 11);
  second_gate++;
  while (!stop) sleep_milliseconds(1);
  return argument;
}

static void *wake_handlers(void *argument) {
  while (arrived != count - 1) continue;
  gate = 1;
  word_wake_all(&gate);
  return argument;
}

static void test_handlers(void) {
  for (uint32_t index = 0; index < count; index++)
    threads[index] = thread_start(index + 1 < count ? be_signalled : wake_handlers, NULL);
  await(&second_gate, count - 1);
  for (uint32_t index = 0; index + 1 < count; index++)
    CHECK_OK(wasix_thread_signal(threads[index]->tid, WASI_SIGNAL_USR1));
  await(&finished, count - 1);
  stop = 1;
  join_all();
}

// ---------------------------------------------------------------------------------------------------------------------
// One thread makes the memory grow while the others wait; what it puts into the new part is seen by all, and by the kernel.

static _Atomic uint32_t *last_word(void) {
  return (_Atomic uint32_t *)(__builtin_wasm_memory_size(0) * 65536 - 64);
}

static void *look_at_growth(void *place) {
  for (uint32_t step = 0; step < 10; step++) {
    while (gate == step) {
      if ((uint32_t)place % 2) wait_raw(&gate, step, -1);
      else word_wait(&gate, step, FOREVER);
    }
    _Atomic uint32_t *word = last_word();
    CHECK(*word == step + 1);
    CHECK_OK(wasi_random_get((uint8_t *)(word + 1), 4));
    CHECK(!word_wait(word, step + 1, 1));
    CHECK(wait_raw(word, step, -1) == 1);
    arrived++;
  }
  return NULL;
}

static void *grow(void *argument) {
  for (uint32_t step = 0; step < 10; step++) {
    sleep_milliseconds(1);
    CHECK(__builtin_wasm_memory_grow(0, 4) != (size_t)-1);
    *last_word() = step + 1;
    gate = step + 1;
    notify_raw(&gate, UINT32_MAX);
    word_wake_all(&gate);
    await(&arrived, (count - 1) * (step + 1));
  }
  return argument;
}

static void test_growth(void) {
  for (uint32_t index = 0; index < count; index++)
    threads[index] = thread_start(index + 1 < count ? look_at_growth : grow, (void *)index);
  join_all();
}

// ---------------------------------------------------------------------------------------------------------------------
// Each thread starts the next and waits for it, in turns with a join, a futex and the engine's instruction.

static _Atomic uint32_t ends[256];

static void *start_next(void *place) {
  uint32_t index = (uint32_t)place;
  if (index + 1 < count) {
    struct thread *next = threads[index + 1] = thread_start(start_next, (void *)(index + 1));
    if (index % 3 == 0) CHECK_OK(wasix_thread_join(next->tid));
    else if (index % 3 == 1) thread_result(next);
    while (index % 3 == 2 && !ends[index + 1]) wait_raw(&ends[index + 1], 0, -1);
    CHECK(finished == count - index - 1);
  }
  finished++;
  ends[index] = 1;
  notify_raw(&ends[index], 1);
  return NULL;
}

static void test_chain(void) {
  threads[0] = thread_start(start_next, NULL);
  await(&finished, count);
  join_all();
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  count = (uint32_t)text_number(argv[2]);
  CHECK(count > 1 && count <= 256);
  if (text_equal(argv[1], "compute")) test_compute();
  else if (text_equal(argv[1], "spin-lock")) test_spin_lock();
  else if (text_equal(argv[1], "raw")) test_raw();
  else if (text_equal(argv[1], "barrier")) test_barrier();
  else if (text_equal(argv[1], "beside")) test_beside();
  else if (text_equal(argv[1], "plain")) test_plain();
  else if (text_equal(argv[1], "handlers")) test_handlers();
  else if (text_equal(argv[1], "growth")) test_growth();
  else if (text_equal(argv[1], "chain")) test_chain();
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
