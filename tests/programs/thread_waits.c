// guest: threads
// Joining, sleeping, yielding and futexes. The argument names the case.
#include "weft.h"

static _Atomic uint32_t word;
static _Atomic uint32_t arrived;
static _Atomic uint32_t finished;
static uint32_t order[8];

static void sleep_milliseconds(uint64_t milliseconds) { CHECK_OK(wasix_thread_sleep(milliseconds * 1000000)); }

static void *wait_for_word(void *argument) {
  arrived++;
  while (!word) word_wait(&word, 0, FOREVER);
  return argument;
}

static void *join_it(void *tid) {
  arrived++;
  CHECK_OK(wasix_thread_join((int32_t)tid));
  finished++;
  return NULL;
}

static void test_join(void) {
  struct thread *target = thread_start(wait_for_word, NULL);
  struct thread *joiners[8];
  for (int index = 0; index < 8; index++) joiners[index] = thread_start(join_it, (void *)target->tid);
  while (arrived < 9) sleep_milliseconds(1);
  sleep_milliseconds(3);
  CHECK(finished == 0);
  word = 1;
  word_wake_all(&word);
  for (int index = 0; index < 8; index++) CHECK_OK(wasix_thread_join(joiners[index]->tid));
  CHECK(finished == 8);
  // After the end, twice, ids that nobody has, and oneself.
  CHECK_OK(wasix_thread_join(target->tid));
  CHECK_OK(wasix_thread_join(target->tid));
  CHECK_OK(wasix_thread_join(123456));
  CHECK_OK(wasix_thread_join(0));
  CHECK_OK(wasix_thread_join(-5));
  int32_t own;
  CHECK_OK(wasix_thread_id(&own));
  CHECK_ERRNO(WASI_EDEADLK, wasix_thread_join(own));
}

static void test_sleep(void) {
  uint64_t before = now_nanoseconds();
  sleep_milliseconds(15);
  CHECK(now_nanoseconds() - before >= 15000000);
  CHECK_OK(wasix_thread_sleep(0));
  CHECK_OK(wasix_thread_sleep(1));
  for (int index = 0; index < 100; index++) CHECK_OK(wasi_sched_yield());
  uint32_t parallel = 0;
  CHECK_OK(wasix_thread_parallelism(&parallel));
  CHECK(parallel >= 1 && parallel < 100000);
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_thread_parallelism((uint32_t *)0xfffffffdu));
}

static void *stand_in_line(void *place) {
  while (arrived != (uint32_t)place) sleep_milliseconds(1);
  arrived++;
  CHECK(word_wait(&word, 0, FOREVER));
  order[finished] = (uint32_t)place;
  finished++;
  return NULL;
}

// Six wait, each arriving a pause after the one before; three are woken one by one, then all that are left. Gives whether they were woken in their order.
static bool wake_in_order(uint64_t pause) {
  struct thread *threads[6];
  arrived = finished = 0;
  for (uint32_t index = 0; index < 6; index++) {
    threads[index] = thread_start(stand_in_line, (void *)index);
    while (arrived <= index) sleep_milliseconds(1);
    sleep_milliseconds(pause);
  }
  bool in_order = true;
  for (uint32_t index = 0; index < 3; index++) {
    // Until somebody was there to be woken: who has arrived may not wait yet.
    for (uint8_t woken = 0; !woken;) CHECK_OK(wasix_futex_wake((const uint32_t *)&word, &woken));
    while (finished <= index) sleep_milliseconds(1);
    CHECK(finished == index + 1);
    in_order = in_order && order[index] == index;
  }
  for (uint8_t woken; finished < 6; sleep_milliseconds(1))
    CHECK_OK(wasix_futex_wake_all((const uint32_t *)&word, &woken));
  for (uint32_t index = 0; index < 6; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  CHECK(finished == 6);
  return in_order;
}

// The oldest waiter is woken first, one by each wake; then all that are left by one. Nobody can tell when another thread has begun to wait, so the order is
// looked for with ever longer pauses.
static void test_wake(void) {
  uint8_t woken = 9;
  CHECK_OK(wasix_futex_wake((const uint32_t *)&word, &woken));
  CHECK(woken == 0);
  uint64_t pause = 2;
  for (; !wake_in_order(pause); pause *= 2) CHECK(pause < 1000);
  CHECK_OK(wasix_futex_wake_all((const uint32_t *)&word, &woken));
  CHECK(woken == 0);
}

static void test_timeouts(void) {
  uint64_t before = now_nanoseconds();
  CHECK(!word_wait(&word, 0, 12000000));
  CHECK(now_nanoseconds() - before >= 12000000);
  CHECK(!word_wait(&word, 0, 0));
  // Another value: no wait at all.
  CHECK(word_wait(&word, 1, FOREVER));
  // A time so long that it is for ever, ended by a wake.
  struct thread *thread = thread_start(stand_in_line, (void *)0);
  while (arrived < 1) sleep_milliseconds(1);
  while (!finished) {
    sleep_milliseconds(1);
    word_wake_one(&word);
  }
  CHECK_OK(wasix_thread_join(thread->tid));
}

static void test_errors(void) {
  struct wasi_option_timestamp none = {.tag = WASI_OPTION_NONE};
  uint8_t woken = 9;
  const uint32_t *outside = (const uint32_t *)0xfffffff0u;
  const uint32_t *inside = (const uint32_t *)&word;
  CHECK_ERRNO(WASI_EINVAL, wasix_futex_wait((const uint32_t *)((uint32_t)inside + 2), 0, &none, &woken));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_futex_wait(outside, 0, &none, &woken));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_futex_wait(inside, 0, (const struct wasi_option_timestamp *)outside, &woken));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_futex_wait(inside, 0, &none, (void *)0xffffffffu));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_futex_wake(outside, &woken));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_futex_wake_all(inside, (void *)0xffffffffu));
  CHECK(woken == 9);
}

static void *grow(void *argument) {
  for (int step = 0; step < 20; step++) {
    CHECK(__builtin_wasm_memory_grow(0, 16) != (size_t)-1);
    sleep_milliseconds(1);
  }
  word = 1;
  word_wake_all(&word);
  return argument;
}

// Waits and calls go on while the memory under them grows, also with words and buffers in the new part.
static void test_growth(void) {
  struct thread *thread = thread_start(grow, NULL);
  while (!word) {
    _Atomic uint32_t *last = (_Atomic uint32_t *)(__builtin_wasm_memory_size(0) * 65536 - 64);
    CHECK(!word_wait(last, 0, 500000));
    uint32_t *random = (uint32_t *)last;
    CHECK_OK(wasi_random_get((uint8_t *)random, 64));
    *last = 0;
  }
  CHECK_OK(wasix_thread_join(thread->tid));
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (text_equal(argv[1], "join")) test_join();
  else if (text_equal(argv[1], "sleep")) test_sleep();
  else if (text_equal(argv[1], "wake")) test_wake();
  else if (text_equal(argv[1], "timeouts")) test_timeouts();
  else if (text_equal(argv[1], "errors")) test_errors();
  else if (text_equal(argv[1], "growth")) test_growth();
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
