// guest: threads
// What a C program expects of mutexes, condition variables, read-write locks, barriers, semaphores and `pthread_once`. The argument names the case. The
// file compiles as well against a real C library: it uses POSIX's names only, which include/posix.h gives it.
#include "posix.h"
#include "posix_cases.h"

enum { THREADS = 6, ROUNDS = 2000 };

static struct timespec in_milliseconds(clockid_t clock, long milliseconds) {
  struct timespec time;
  CHECK_IS(0, clock_gettime(clock, &time));
  time.tv_sec += milliseconds / 1000;
  time.tv_nsec += milliseconds % 1000 * 1000000;
  if (time.tv_nsec >= 1000000000) {
    time.tv_sec++;
    time.tv_nsec -= 1000000000;
  }
  return time;
}

static bool has_come(clockid_t clock, struct timespec when) {
  struct timespec now;
  CHECK_IS(0, clock_gettime(clock, &now));
  return now.tv_sec > when.tv_sec || (now.tv_sec == when.tv_sec && now.tv_nsec >= when.tv_nsec);
}

static void init_mutex(pthread_mutex_t *mutex, int kind) {
  pthread_mutexattr_t attributes;
  CHECK_IS(0, pthread_mutexattr_init(&attributes));
  CHECK_IS(0, pthread_mutexattr_settype(&attributes, kind));
  CHECK_IS(0, pthread_mutex_init(mutex, &attributes));
  CHECK_IS(0, pthread_mutexattr_destroy(&attributes));
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter, stage;

static void *count_up(void *recursive) {
  for (int round = 0; round < ROUNDS; round++) {
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    if (recursive) CHECK_IS(0, pthread_mutex_lock(&mutex));
    int seen = counter;
    if (round % 64 == 0) sched_yield();
    counter = seen + 1;
    if (recursive) CHECK_IS(0, pthread_mutex_unlock(&mutex));
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
  }
  return NULL;
}

static void *fail_to_take(void *kind) {
  CHECK_IS(EBUSY, pthread_mutex_trylock(&mutex));
  if ((intptr_t)kind != PTHREAD_MUTEX_NORMAL) CHECK_IS(EPERM, pthread_mutex_unlock(&mutex));
  struct timespec soon = in_milliseconds(CLOCK_REALTIME, 8);
  CHECK_IS(ETIMEDOUT, pthread_mutex_timedlock(&mutex, &soon));
  CHECK(has_come(CLOCK_REALTIME, soon));
  return NULL;
}

// In a thread of its own: the WASIX C library gives the main thread a number for which others get ENOTRECOVERABLE instead of EBUSY.
static void *hold_mutex(void *which) {
  int kind = (int)(intptr_t)which;
  CHECK_IS(0, pthread_mutex_lock(&mutex));
  if (kind == PTHREAD_MUTEX_RECURSIVE) CHECK_IS(0, pthread_mutex_trylock(&mutex));
  if (kind == PTHREAD_MUTEX_ERRORCHECK) CHECK_IS(EDEADLK, pthread_mutex_lock(&mutex));
  end(begin(fail_to_take, which));
  if (kind == PTHREAD_MUTEX_RECURSIVE) {
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
    end(begin(fail_to_take, which));
  }
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
  struct timespec soon = in_milliseconds(CLOCK_REALTIME, 50);
  CHECK_IS(0, pthread_mutex_timedlock(&mutex, &soon));
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
  if (kind != PTHREAD_MUTEX_NORMAL) CHECK_IS(EPERM, pthread_mutex_unlock(&mutex));
  return NULL;
}

static void test_mutexes(void) {
  static const int kinds[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
  for (int index = 0; index < 3; index++) {
    init_mutex(&mutex, kinds[index]);
    counter = 0;
    pthread_t threads[THREADS];
    for (int each = 0; each < THREADS; each++)
      threads[each] = begin(count_up, kinds[index] == PTHREAD_MUTEX_RECURSIVE ? &mutex : NULL);
    for (int each = 0; each < THREADS; each++) end(threads[each]);
    CHECK_IS(THREADS * ROUNDS, counter);
    end(begin(hold_mutex, (void *)(intptr_t)kinds[index]));
    CHECK_IS(0, pthread_mutex_destroy(&mutex));
  }
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_cond_t others = PTHREAD_COND_INITIALIZER;

static void *take_turns(void *which) {
  int mine = (int)(intptr_t)which;
  CHECK_IS(0, pthread_mutex_lock(&mutex));
  for (int round = 0; round < 500; round++) {
    while (stage % 2 != mine) CHECK_IS(0, pthread_cond_wait(mine ? &condition : &others, &mutex));
    stage++;
    CHECK_IS(0, pthread_cond_signal(mine ? &others : &condition));
  }
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
  return NULL;
}

static void *wait_for_stage(void *wanted) {
  CHECK_IS(0, pthread_mutex_lock(&mutex));
  counter++;
  while (stage < (int)(intptr_t)wanted) CHECK_IS(0, pthread_cond_wait(&condition, &mutex));
  counter--;
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
  return wanted;
}

static void set_stage(int to, int (*tell)(pthread_cond_t *)) {
  CHECK_IS(0, pthread_mutex_lock(&mutex));
  stage = to;
  CHECK_IS(0, tell(&condition));
  CHECK_IS(0, pthread_mutex_unlock(&mutex));
}

static void test_conditions(void) {
  pthread_t partner = begin(take_turns, (void *)1);
  take_turns(0);
  end(partner);
  CHECK_IS(1000, stage);

  stage = 0;
  pthread_t threads[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(wait_for_stage, (void *)1);
  for (int waiting = 0; waiting < THREADS;) {
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    waiting = counter;
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
  }
  set_stage(1, pthread_cond_broadcast);
  for (int each = 0; each < THREADS; each++) CHECK(end(threads[each]) == (void *)1);
  CHECK_IS(0, counter);

  // Of three that wait for three stages, one signal may wake any: the broadcasts find each.
  for (int each = 0; each < 3; each++) threads[each] = begin(wait_for_stage, (void *)(intptr_t)(2 + each));
  for (int each = 0; each < 3; each++) set_stage(2 + each, pthread_cond_broadcast);
  for (int each = 0; each < 3; each++) CHECK(end(threads[each]) == (void *)(intptr_t)(2 + each));
  CHECK_IS(0, pthread_cond_signal(&condition));
  CHECK_IS(0, pthread_cond_destroy(&condition));
}

static void test_timed_conditions(void) {
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
  for (int index = 0; index < 2; index++) {
    pthread_condattr_t attributes;
    CHECK_IS(0, pthread_condattr_init(&attributes));
    CHECK_IS(0, pthread_condattr_setclock(&attributes, clocks[index]));
    CHECK_IS(0, pthread_cond_init(&condition, &attributes));
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    struct timespec soon = in_milliseconds(clocks[index], 8);
    int error;
    while ((error = pthread_cond_timedwait(&condition, &mutex, &soon)) == 0) {}
    CHECK_IS(ETIMEDOUT, error);
    CHECK(has_come(clocks[index], soon));
    // The mutex is held again, and a time that is past ends the wait at once.
    CHECK_IS(ETIMEDOUT, pthread_cond_timedwait(&condition, &mutex, &soon));
    struct timespec no_time = {0, 2000000000};
    CHECK_IS(EINVAL, pthread_cond_timedwait(&condition, &mutex, &no_time));
    CHECK_IS(0, pthread_mutex_unlock(&mutex));

    stage = 0;
    pthread_t setter = begin(wait_for_stage, (void *)1);
    struct timespec late = in_milliseconds(clocks[index], 20000);
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    while (counter == 0) {
      CHECK_IS(0, pthread_mutex_unlock(&mutex));
      sched_yield();
      CHECK_IS(0, pthread_mutex_lock(&mutex));
    }
    stage = 1;
    CHECK_IS(0, pthread_cond_broadcast(&condition));
    while (counter != 0) {
      struct timespec slice = in_milliseconds(clocks[index], 1);
      error = pthread_cond_timedwait(&condition, &mutex, &slice);
      CHECK(error == 0 || error == ETIMEDOUT);
    }
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
    end(setter);
    CHECK(!has_come(clocks[index], late));
    CHECK_IS(0, pthread_cond_destroy(&condition));
  }
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static _Atomic int readers, most_readers;
static int written[2];

static void *read_often(void *unused) {
  for (int round = 0; round < 300; round++) {
    CHECK_IS(0, pthread_rwlock_rdlock(&lock));
    int now = ++readers, most = most_readers;
    while (most < now && !atomic_compare_exchange_strong(&most_readers, &most, now)) {}
    CHECK_IS(written[0], written[1]);
    if (round % 16 == 0) sched_yield();
    readers--;
    CHECK_IS(0, pthread_rwlock_unlock(&lock));
  }
  return unused;
}

static void *write_often(void *unused) {
  for (int round = 0; round < 300; round++) {
    CHECK_IS(0, pthread_rwlock_wrlock(&lock));
    CHECK(readers == 0);
    written[0]++;
    if (round % 16 == 0) sched_yield();
    written[1]++;
    CHECK_IS(0, pthread_rwlock_unlock(&lock));
  }
  return unused;
}

static void *read_at_once(void *arrived) {
  CHECK_IS(0, pthread_rwlock_rdlock(&lock));
  CHECK_IS(EBUSY, pthread_rwlock_trywrlock(&lock));
  int result = pthread_barrier_wait(arrived);
  CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
  CHECK_IS(0, pthread_rwlock_unlock(&lock));
  return NULL;
}

static void *fail_to_read(void *unused) {
  CHECK_IS(EBUSY, pthread_rwlock_tryrdlock(&lock));
  CHECK_IS(EBUSY, pthread_rwlock_trywrlock(&lock));
  struct timespec soon = in_milliseconds(CLOCK_REALTIME, 5);
  CHECK_IS(ETIMEDOUT, pthread_rwlock_timedrdlock(&lock, &soon));
  CHECK(has_come(CLOCK_REALTIME, soon));
  soon = in_milliseconds(CLOCK_REALTIME, 5);
  CHECK_IS(ETIMEDOUT, pthread_rwlock_timedwrlock(&lock, &soon));
  CHECK(has_come(CLOCK_REALTIME, soon));
  return unused;
}

static void test_rwlocks(void) {
  pthread_t threads[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(each < 4 ? read_often : write_often, NULL);
  for (int each = 0; each < THREADS; each++) end(threads[each]);
  CHECK_IS((THREADS - 4) * 300, written[0]);
  CHECK(most_readers >= 1 && most_readers <= 4 && readers == 0);

  // Readers hold it together: none gets past the barrier alone.
  pthread_barrier_t arrived;
  CHECK_IS(0, pthread_barrier_init(&arrived, NULL, 4));
  for (int each = 0; each < 4; each++) threads[each] = begin(read_at_once, &arrived);
  for (int each = 0; each < 4; each++) end(threads[each]);
  CHECK_IS(0, pthread_barrier_destroy(&arrived));

  CHECK_IS(0, pthread_rwlock_trywrlock(&lock));
  end(begin(fail_to_read, NULL));
  CHECK_IS(0, pthread_rwlock_unlock(&lock));
  CHECK_IS(0, pthread_rwlock_destroy(&lock));
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_barrier_t barrier;
static _Atomic int passed, serial;

static void *pass_barriers(void *unused) {
  for (int round = 1; round <= 100; round++) {
    passed++;
    int result = pthread_barrier_wait(&barrier);
    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
    if (result != 0) serial++;
    // All have counted, and none has begun the next round.
    CHECK_IS(round * THREADS, passed);
    result = pthread_barrier_wait(&barrier);
    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
  }
  return unused;
}

static void test_barriers(void) {
  CHECK_IS(EINVAL, pthread_barrier_init(&barrier, NULL, 0));
  CHECK_IS(0, pthread_barrier_init(&barrier, NULL, THREADS));
  pthread_t threads[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(pass_barriers, NULL);
  for (int each = 0; each < THREADS; each++) end(threads[each]);
  CHECK_IS(100, serial);
  CHECK_IS(0, pthread_barrier_destroy(&barrier));
}

// ---------------------------------------------------------------------------------------------------------------------

static sem_t full, empty;
static int slots[4];
static _Atomic int sum, place;

static void *produce(void *unused) {
  for (int each = 1; each <= 400; each++) {
    CHECK_IS(0, sem_wait(&empty));
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    slots[place++] = each;
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
    CHECK_IS(0, sem_post(&full));
  }
  return unused;
}

static void *consume(void *unused) {
  for (int each = 1; each <= 400; each++) {
    CHECK_IS(0, sem_wait(&full));
    CHECK_IS(0, pthread_mutex_lock(&mutex));
    sum += slots[--place];
    CHECK_IS(0, pthread_mutex_unlock(&mutex));
    CHECK_IS(0, sem_post(&empty));
  }
  return unused;
}

static void test_semaphores(void) {
  CHECK_IS(0, sem_init(&full, 0, 0));
  CHECK_IS(0, sem_init(&empty, 0, 4));
  pthread_t threads[4];
  for (int each = 0; each < 4; each++) threads[each] = begin(each % 2 ? produce : consume, NULL);
  for (int each = 0; each < 4; each++) end(threads[each]);
  CHECK_IS(2 * (400 * 401 / 2), sum);
  int value;
  CHECK_IS(0, sem_getvalue(&empty, &value));
  CHECK_IS(4, value);
  CHECK_IS(-1, sem_trywait(&full));
  CHECK_IS(EAGAIN, errno);
  struct timespec soon = in_milliseconds(CLOCK_REALTIME, 8);
  CHECK_IS(-1, sem_timedwait(&full, &soon));
  CHECK_IS(ETIMEDOUT, errno);
  CHECK(has_come(CLOCK_REALTIME, soon));
  CHECK_IS(0, sem_trywait(&empty));
  CHECK_IS(0, sem_destroy(&full));
  CHECK_IS(0, sem_destroy(&empty));
}

// ---------------------------------------------------------------------------------------------------------------------

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic int initialised, seen;

static void initialise(void) {
  pause_milliseconds(10);
  initialised++;
}

static void *need_it(void *unused) {
  CHECK_IS(0, pthread_once(&once, initialise));
  if (initialised == 1) seen++;
  return unused;
}

static void test_once(void) {
  pthread_t threads[THREADS];
  for (int each = 0; each < THREADS; each++) threads[each] = begin(need_it, NULL);
  for (int each = 0; each < THREADS; each++) end(threads[each]);
  need_it(NULL);
  CHECK_IS(1, initialised);
  CHECK_IS(THREADS + 1, seen);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
      {"mutexes", test_mutexes},
      {"conditions", test_conditions},
      {"timed-conditions", test_timed_conditions},
      {"rwlocks", test_rwlocks},
      {"barriers", test_barriers},
      {"semaphores", test_semaphores},
      {"once", test_once},
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
