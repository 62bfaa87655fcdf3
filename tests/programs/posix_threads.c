// guest: threads
// What a C program expects of threads' lives: joining and detaching, thread-locals, keys with destructors, cancellation, signals to threads, memory and
// printing from all of them, and ends of the process from each. The argument names the case. The file compiles as well against a real C
// library: it uses POSIX's names only, which include/posix.h gives it.
#include "posix.h"
#include "posix_cases.h"

enum { THREADS = 8 };

static void *argument_at(void *base, int index) { return (char *)base + index; }
static char base[256];

// ---------------------------------------------------------------------------------------------------------------------

static pthread_t selves[THREADS];
static _Atomic int ended;

static void *give_back(void *argument) {
  selves[(char *)argument - base] = pthread_self();
  return argument;
}

static void leave(void *result) { pthread_exit(result); }

static void *leave_deeper(void *argument) {
  leave(argument);
  CHECK(false);
  return NULL;
}

static void *start_another(void *depth) {
  if (depth == base) return base;
  return argument_at(end(begin(start_another, argument_at(depth, -1))), 1);
}

static void test_join(void) {
  pthread_t threads[THREADS];
  for (int round = 0; round < 20; round++) {
    for (int each = 0; each < THREADS; each++) threads[each] = begin(give_back, argument_at(base, each));
    for (int each = THREADS - 1; each >= 0; each--) {
      CHECK(end(threads[each]) == argument_at(base, each));
      CHECK(pthread_equal(selves[each], threads[each]));
    }
  }
  CHECK(!pthread_equal(threads[0], pthread_self()));
  CHECK(end(begin(leave_deeper, base)) == base);
  CHECK(end(begin(start_another, argument_at(base, 12))) == argument_at(base, 12));
  // One that has long ended keeps its result.
  pthread_t early = begin(give_back, base);
  pause_milliseconds(5);
  CHECK(end(early) == base);
}

static void *end_alone(void *unused) {
  ended++;
  return unused;
}

static void *detach_itself(void *unused) {
  CHECK_IS(0, pthread_detach(pthread_self()));
  ended++;
  return unused;
}

static void test_detach(void) {
  pthread_attr_t attributes;
  CHECK_IS(0, pthread_attr_init(&attributes));
  CHECK_IS(0, pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
  for (int each = 0; each < 50; each++) {
    pthread_t thread;
    CHECK_IS(0, pthread_create(&thread, &attributes, end_alone, NULL));
    while (ended < 3 * each + 1) sched_yield();
    CHECK_IS(0, pthread_detach(begin(end_alone, NULL)));
    while (ended < 3 * each + 2) sched_yield();
    begin(detach_itself, NULL);
    while (ended < 3 * each + 3) sched_yield();
  }
  CHECK_IS(0, pthread_attr_destroy(&attributes));
}

static void *use_stack(void *argument) {
  volatile char room[150000];
  for (size_t at = 0; at < sizeof room; at += 1000) room[at] = (char)at;
  for (size_t at = 0; at < sizeof room; at += 1000) CHECK(room[at] == (char)at);
  return argument;
}

static void test_stacks(void) {
  pthread_attr_t attributes;
  CHECK_IS(0, pthread_attr_init(&attributes));
  CHECK_IS(0, pthread_attr_setstacksize(&attributes, 200000));
  pthread_t threads[THREADS];
  for (int round = 0; round < 3; round++) {
    for (int each = 0; each < THREADS; each++)
      CHECK_IS(0, pthread_create(&threads[each], &attributes, use_stack, base));
    for (int each = 0; each < THREADS; each++) CHECK(end(threads[each]) == base);
  }
}

// ---------------------------------------------------------------------------------------------------------------------

static _Thread_local int here = 7, zero_here;
static _Thread_local struct {
  char letter;
  _Alignas(64) double number;
} aligned_here = {'w', 2.5};
static pthread_barrier_t all_set;

static void *use_locals(void *argument) {
  int number = (int)((char *)argument - base);
  CHECK(here == 7 && zero_here == 0);
  CHECK(aligned_here.letter == 'w' && aligned_here.number == 2.5 && (uintptr_t)&aligned_here.number % 64 == 0);
  here = number, zero_here = -number, aligned_here.number = number;
  int result = pthread_barrier_wait(&all_set);
  CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
  CHECK(here == number && zero_here == -number && aligned_here.number == number);
  return &here;
}

static void test_locals(void) {
  CHECK_IS(0, pthread_barrier_init(&all_set, NULL, THREADS + 1));
  pthread_t threads[THREADS];
  void *places[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(use_locals, argument_at(base, 100 + each));
  CHECK(use_locals(argument_at(base, 99)) == &here);
  for (int each = 0; each < THREADS; each++) {
    places[each] = end(threads[each]);
    CHECK(places[each] != &here);
  }
  CHECK(here == 99 && zero_here == -99);
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_key_t keys[3];
static _Atomic int destroyed[3];

static void destroy_first(void *value) {
  CHECK(value == argument_at(base, 1) && pthread_getspecific(keys[0]) == NULL);
  destroyed[0]++;
}

// Sets its value again once: it is then called again.
static void destroy_second(void *value) {
  if (++destroyed[1] % 2 == 1) CHECK_IS(0, pthread_setspecific(keys[1], value));
}

static void *use_keys(void *how) {
  for (int each = 0; each < 3; each++) CHECK(pthread_getspecific(keys[each]) == NULL);
  for (int each = 0; each < 3; each++) CHECK_IS(0, pthread_setspecific(keys[each], argument_at(base, each + 1)));
  for (int each = 0; each < 3; each++) CHECK(pthread_getspecific(keys[each]) == argument_at(base, each + 1));
  if (how == base) pthread_exit(NULL);
  return NULL;
}

static void test_keys(void) {
  CHECK_IS(0, pthread_key_create(&keys[0], destroy_first));
  CHECK_IS(0, pthread_key_create(&keys[1], destroy_second));
  CHECK_IS(0, pthread_key_create(&keys[2], NULL));
  CHECK_IS(0, pthread_setspecific(keys[0], &here));
  for (int each = 0; each < 4; each++) end(begin(use_keys, each % 2 ? base : NULL));
  CHECK_IS(4, destroyed[0]);
  CHECK_IS(8, destroyed[1]);
  CHECK(pthread_getspecific(keys[0]) == &here);
  CHECK_IS(0, pthread_key_delete(keys[2]));
  CHECK_IS(0, pthread_setspecific(keys[0], NULL));
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static _Atomic int ready, cleaned;

static void clean_up(void *which) {
  cleaned = cleaned * 10 + (int)((char *)which - base);
  if (which == argument_at(base, 2)) CHECK_IS(0, pthread_mutex_unlock(&mutex));
}

static void *wait_for_ever(void *unused) {
  pthread_cleanup_push(clean_up, argument_at(base, 1));
  CHECK_IS(0, pthread_mutex_lock(&mutex));
  pthread_cleanup_push(clean_up, argument_at(base, 2));
  ready = 1;
  for (;;) CHECK_IS(0, pthread_cond_wait(&condition, &mutex));
  pthread_cleanup_pop(1);
  pthread_cleanup_pop(1);
  return unused;
}

static void *test_often(void *unused) {
  int before;
  CHECK_IS(0, pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before));
  CHECK_IS(PTHREAD_CANCEL_ENABLE, before);
  ready = 1;
  while (ready == 1) {
    pthread_testcancel();
    sched_yield();
  }
  ready = 3;
  CHECK_IS(0, pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before));
  for (;;) pthread_testcancel();
  return unused;
}

static void *sleep_long(void *unused) {
  ready = 1;
  struct timespec long_time = {1000, 0};
  nanosleep(&long_time, NULL);
  pthread_testcancel();
  return unused;
}

static void *never_cancelled(void *unused) { return unused; }

static void test_cancel(void) {
  pthread_t thread = begin(wait_for_ever, NULL);
  while (!ready) sched_yield();
  CHECK_IS(0, pthread_mutex_lock(&mutex)); // It waits now: the mutex is free.
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
  CHECK_IS(0, pthread_cancel(thread));
  CHECK(end(thread) == PTHREAD_CANCELED);
  CHECK_IS(21, cleaned);
  CHECK_IS(0, pthread_mutex_trylock(&mutex)); // It held the mutex again in its clean-up.

  ready = 0;
  thread = begin(test_often, NULL);
  while (ready != 1) sched_yield();
  CHECK_IS(0, pthread_cancel(thread));
  ready = 2;
  CHECK(end(thread) == PTHREAD_CANCELED);
  CHECK_IS(3, ready);

  ready = 0;
  thread = begin(sleep_long, NULL);
  while (ready != 1) sched_yield();
  pause_milliseconds(2);
  CHECK_IS(0, pthread_cancel(thread));
  CHECK(end(thread) == PTHREAD_CANCELED);

  thread = begin(never_cancelled, base);
  pause_milliseconds(5);
  CHECK(end(thread) == base);
}

// ---------------------------------------------------------------------------------------------------------------------

static _Thread_local _Atomic int handled_here;
static _Atomic int handled, last_signal, released;
static sem_t posted;

static void handle(int signal) {
  last_signal = signal;
  handled_here++;
  handled++;
  CHECK_IS(0, sem_post(&posted));
}

static void *wait_on_condition(void *unused) {
  CHECK_IS(0, pthread_mutex_lock(&mutex));
  ready++;
  while (!released) CHECK_IS(0, pthread_cond_wait(&condition, &mutex));
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
  return argument_at(base, handled_here);
}

static void *spin_with_yields(void *unused) {
  ready++;
  while (!released) sched_yield();
  return argument_at(base, handled_here);
}

static void *wait_in_slices(void *unused) {
  ready++;
  while (!released) {
    struct timespec slice = {0, 1000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &slice, NULL); // A signal ends it early.
  }
  return argument_at(base, handled_here);
}

static void test_signals(void) {
  static void *(*const ways[])(void *) = {wait_on_condition, spin_with_yields, wait_in_slices};
  CHECK_IS(0, sem_init(&posted, 0, 0));
  struct sigaction action = {.sa_handler = handle};
  CHECK_IS(0, sigaction(SIGUSR1, &action, NULL));
  CHECK_IS(0, sigaction(SIGUSR2, &action, NULL));
  for (int way = 0; way < 3; way++) {
    ready = released = handled = 0;
    pthread_t threads[2] = {begin(ways[way], NULL), begin(ways[way], NULL)};
    while (ready < 2) sched_yield();
    for (int each = 0; each < 5; each++) {
      // One at a time: pending ones of the same number may be one.
      CHECK_IS(0, pthread_kill(threads[1], each % 2 ? SIGUSR1 : SIGUSR2));
      while (sem_wait(&posted) != 0) CHECK_IS(EINTR, errno);
      CHECK_IS(each % 2 ? SIGUSR1 : SIGUSR2, last_signal);
    }
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    released = 1;
    CHECK_IS(0, pthread_cond_broadcast(&condition));
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
    CHECK(end(threads[0]) == base);
    CHECK(end(threads[1]) == argument_at(base, 5));
    CHECK_IS(5, handled);
  }
  // To itself: handled before the call returns.
  CHECK_IS(0, handled_here);
  CHECK_IS(0, pthread_kill(pthread_self(), SIGUSR1));
  CHECK_IS(1, handled_here);
  CHECK_IS(0, raise(SIGUSR2));
  CHECK_IS(2, handled_here);
  CHECK_IS(SIGUSR2, last_signal);
  action.sa_handler = SIG_IGN;
  CHECK_IS(0, sigaction(SIGUSR1, &action, NULL));
  CHECK_IS(0, pthread_kill(pthread_self(), SIGUSR1));
  CHECK_IS(2, handled_here);
}

static void *wait_idle(void *unused) {
  for (;;) pause_milliseconds(1000);
  return unused;
}

static void test_fatal_signal(void) {
  pthread_t thread = begin(wait_idle, NULL);
  CHECK_IS(0, pthread_kill(thread, SIGTERM));
  end(thread);
}

static void *give_up(void *unused) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  CHECK_IS(0, sigaction(SIGUSR2, &action, NULL));
  abort();
  return unused;
}

static void test_abort(void) { end(begin(give_up, NULL)); }

// In a program that takes signals: its library does what the default action is.
static void test_fatal_signal_caught(void) {
  struct sigaction action = {.sa_handler = handle};
  CHECK_IS(0, sigaction(SIGUSR1, &action, NULL));
  test_fatal_signal();
}

// ---------------------------------------------------------------------------------------------------------------------

static void *use_memory(void *argument) {
  unsigned char mark = (unsigned char)((char *)argument - base);
  unsigned char *blocks[16] = {NULL};
  size_t sizes[16] = {0};
  for (unsigned round = 0; round < 400; round++) {
    unsigned slot = (round * 7 + mark) % 16;
    for (size_t at = 0; at < sizes[slot]; at++) CHECK(blocks[slot][at] == (unsigned char)(mark + slot));
    free(blocks[slot]);
    sizes[slot] = round % 97 == 0 ? 200000 : round * 37 % 3000 + 1;
    blocks[slot] = malloc(sizes[slot]);
    CHECK(blocks[slot] != NULL);
    memset(blocks[slot], mark + (int)slot, sizes[slot]);
  }
  for (int slot = 0; slot < 16; slot++) free(blocks[slot]);
  return NULL;
}

static void test_memory(void) {
  pthread_t threads[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(use_memory, argument_at(base, each * 20 + 1));
  for (int each = 0; each < THREADS; each++) end(threads[each]);
}

static void *print_lines(void *argument) {
  int number = (int)((char *)argument - base);
  for (int each = 0; each < 50; each++) print("thread %d says line %d\n", number, each);
  return NULL;
}

static void test_print(void) {
  pthread_t threads[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(print_lines, argument_at(base, each));
  for (int each = 0; each < THREADS; each++) end(threads[each]);
}

// ---------------------------------------------------------------------------------------------------------------------

static void *exit_with_code(void *code) {
  while (!ready) sched_yield();
  exit((int)((char *)code - base));
}

static void *wait_then_end(void *unused) {
  pause_milliseconds(10);
  print("the last thread is done\n");
  return unused;
}

static void test_exit(void) {
  for (int each = 0; each < 3; each++) begin(wait_idle, NULL);
  begin(exit_with_code, argument_at(base, 23));
  ready = 1;
  for (;;) pause_milliseconds(1000);
}

// The process lives until its last thread has ended.
static void test_main_exit(void) {
  begin(wait_then_end, NULL);
  pthread_exit(NULL);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
      {"join", test_join},     {"detach", test_detach},   {"stacks", test_stacks},
      {"locals", test_locals}, {"keys", test_keys},       {"cancel", test_cancel},
      {"exit", test_exit},     {"signals", test_signals}, {"fatal-signal", test_fatal_signal},
      {"memory", test_memory}, {"print", test_print},     {"main-exit", test_main_exit},
      {"abort", test_abort},   {"fatal-signal-caught", test_fatal_signal_caught},
  };
  CHECK(argc == 2);
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (!text_equal(argv[1], cases[index].name)) continue;
    cases[index].run();
    print("%s: done\n", argv[1]);
    return 0;
  }
  complain("no case %s\n", argv[1]);
  return 2;
}
