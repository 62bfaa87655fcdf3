// POSIX's names for threads, over the kit of weft.h: what a program needs that also compiles against a real C library. It makes the calls that the WASIX
// C library makes: wasi.thread-spawn, futexes for every wait, thread_exit at the end of each thread, one callback for all signals. Cancellation, which
// that library does not have, is done here without any help of the kernel's.
//
// Memory of threads that are joined or detached is used again.
#pragma once

#define WEFT_OLDER_DOOR
#include "weft.h"

#define EAGAIN WASI_EAGAIN
#define EBUSY WASI_EBUSY
#define EDEADLK WASI_EDEADLK
#define EINTR WASI_EINTR
#define EINVAL WASI_EINVAL
#define EPERM WASI_EPERM
#define ETIMEDOUT WASI_ETIMEDOUT

KIT _Thread_local int posix_error;
#define errno posix_error

// As CHECK_ERRNO, by the name that the programs use.
#define CHECK_IS(expected, call) CHECK_ERRNO(expected, call)

#define atomic_compare_exchange_strong(object, expected, desired)                                                      \
  __c11_atomic_compare_exchange_strong(object, expected, desired, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

KIT bool word_change(_Atomic uint32_t *word, uint32_t from, uint32_t to) {
  return atomic_compare_exchange_strong(word, &from, to);
}

KIT _Noreturn void exit(int code) { wasi_proc_exit((uint32_t)code); }
KIT int sched_yield(void) { return wasi_sched_yield(); }

// ---------------------------------------------------------------------------------------------------------------------
// Memory: blocks of a power of two, each with its size in the 16 bytes before it.

struct posix_block {
  struct posix_block *next;
  uint32_t class;
  uint64_t aligning;
};

static struct mutex posix_memory_lock;
static struct posix_block *posix_free_blocks[32];

KIT void *malloc(size_t size) {
  if (size > 1u << 30) return NULL;
  uint32_t class = 32 - (uint32_t)__builtin_clz((uint32_t)size + sizeof(struct posix_block) - 1 | 31);
  mutex_lock(&posix_memory_lock);
  struct posix_block *block = posix_free_blocks[class];
  if (block) posix_free_blocks[class] = block->next;
  mutex_unlock(&posix_memory_lock);
  if (!block) block = allocate(1u << class);
  if (!block) return NULL;
  block->class = class;
  return block + 1;
}

KIT void free(void *memory) {
  if (!memory) return;
  struct posix_block *block = (struct posix_block *)memory - 1;
  mutex_lock(&posix_memory_lock);
  block->next = posix_free_blocks[block->class];
  posix_free_blocks[block->class] = block;
  mutex_unlock(&posix_memory_lock);
}

// ---------------------------------------------------------------------------------------------------------------------
// Time.

typedef uint32_t clockid_t;
#define CLOCK_REALTIME WASI_CLOCKID_REALTIME
#define CLOCK_MONOTONIC WASI_CLOCKID_MONOTONIC

struct timespec {
  int64_t tv_sec;
  long tv_nsec;
};

KIT int clock_gettime(clockid_t clock, struct timespec *time) {
  uint64_t now;
  posix_error = wasi_clock_time_get(clock, 1, &now);
  if (posix_error) return -1;
  time->tv_sec = (int64_t)(now / 1000000000);
  time->tv_nsec = (long)(now % 1000000000);
  return 0;
}

// Nanoseconds from now to a time of the clock, 0 if it has come; FOREVER without one.
KIT uint64_t time_until(clockid_t clock, const struct timespec *when) {
  if (!when) return FOREVER;
  uint64_t now, then = (uint64_t)when->tv_sec * 1000000000 + (uint64_t)when->tv_nsec;
  CHECK_OK(wasi_clock_time_get(clock, 1, &now));
  return then > now ? then - now : 0;
}

KIT bool is_time(const struct timespec *when) { return !when || (uint32_t)when->tv_nsec < 1000000000; }

// ---------------------------------------------------------------------------------------------------------------------
// Threads.

enum { POSIX_KEYS = 16, POSIX_STACK = 32768 };

enum { PTHREAD_CREATE_JOINABLE, PTHREAD_CREATE_DETACHED };
enum { PTHREAD_CANCEL_ENABLE, PTHREAD_CANCEL_DISABLE };
#define PTHREAD_CANCELED ((void *)-1)

enum { POSIX_JOINABLE, POSIX_DETACHED, POSIX_ENDED };

struct posix_cleanup {
  void (*run)(void *);
  void *argument;
  struct posix_cleanup *next;
};

struct pthread {
  struct thread kernel; // first: the kernel's start record begins it
  void *(*run)(void *);
  void *argument;
  void *result;
  _Atomic uint32_t state;
  void *stack;
  struct pthread *next;
  void *values[POSIX_KEYS];
  struct posix_cleanup *cleanup;
  // Guards the next three. The word is the one that the thread waits on in a place where it may be cancelled.
  struct mutex cancel_lock;
  _Atomic uint32_t cancelled;
  _Atomic uint32_t cancel_disabled;
  _Atomic uint32_t *cancel_word;
};

typedef struct pthread *pthread_t;

typedef struct {
  size_t stack_size;
  int detached;
} pthread_attr_t;

static struct pthread posix_main;
static _Thread_local struct pthread *posix_self;
// Threads that were detached and are on their way out, until the next one is made.
static struct mutex posix_left_lock;
static struct pthread *posix_left;

KIT pthread_t pthread_self(void) { return posix_self ? posix_self : &posix_main; }
KIT int pthread_equal(pthread_t one, pthread_t other) { return one == other; }

KIT void posix_run_destructors(struct pthread *self);

// Gives back what a thread had, once the kernel has done with it.
KIT void posix_bury(struct pthread *thread) {
  CHECK_OK(wasix_thread_join(thread->kernel.tid));
  free(thread->stack);
  free(thread);
}

KIT _Noreturn void pthread_exit(void *result) {
  struct pthread *self = pthread_self();
  self->cancel_disabled = 1;
  self->result = result;
  while (self->cleanup) {
    struct posix_cleanup *cleanup = self->cleanup;
    self->cleanup = cleanup->next;
    cleanup->run(cleanup->argument);
  }
  posix_run_destructors(self);
  if (word_change(&self->state, POSIX_JOINABLE, POSIX_ENDED)) {
    word_wake_all(&self->state);
  } else {
    mutex_lock(&posix_left_lock);
    self->next = posix_left;
    posix_left = self;
    mutex_unlock(&posix_left_lock);
  }
  for (;;) wasix_thread_exit(0);
}

KIT void *posix_thread_main(void *thread) {
  posix_self = thread;
  pthread_exit(posix_self->run(posix_self->argument));
}

KIT int pthread_attr_init(pthread_attr_t *attributes) {
  *attributes = (pthread_attr_t){POSIX_STACK, PTHREAD_CREATE_JOINABLE};
  return 0;
}

KIT int pthread_attr_destroy(pthread_attr_t *attributes) { return attributes ? 0 : EINVAL; }

KIT int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
  if (size < 4096) return EINVAL;
  attributes->stack_size = size;
  return 0;
}

KIT int pthread_attr_setdetachstate(pthread_attr_t *attributes, int detached) {
  attributes->detached = detached;
  return 0;
}

KIT int pthread_create(pthread_t *result, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  mutex_lock(&posix_left_lock);
  struct pthread *left = posix_left;
  posix_left = NULL;
  mutex_unlock(&posix_left_lock);
  while (left) {
    struct pthread *next = left->next;
    posix_bury(left);
    left = next;
  }
  size_t size = attributes ? attributes->stack_size : POSIX_STACK;
  struct pthread *thread = malloc(sizeof *thread);
  void *stack = malloc(size);
  if (!thread || !stack) return EAGAIN;
  *thread = (struct pthread){.run = run, .argument = argument, .stack = stack};
  thread->state = attributes && attributes->detached ? POSIX_DETACHED : POSIX_JOINABLE;
  // A detached thread may be gone when the call returns.
  *result = thread;
  if (thread_start_on(&thread->kernel, stack, size, posix_thread_main, thread) == WASI_SUCCESS) return 0;
  free(stack);
  free(thread);
  return EAGAIN;
}

KIT int pthread_join(pthread_t thread, void **result) {
  if (thread == pthread_self()) return EDEADLK;
  while (thread->state == POSIX_JOINABLE) word_wait(&thread->state, POSIX_JOINABLE, FOREVER);
  if (thread->state == POSIX_DETACHED) return EINVAL;
  if (result) *result = thread->result;
  posix_bury(thread);
  return 0;
}

KIT int pthread_detach(pthread_t thread) {
  if (word_change(&thread->state, POSIX_JOINABLE, POSIX_DETACHED)) return 0;
  if (thread->state == POSIX_DETACHED) return EINVAL;
  posix_bury(thread);
  return 0;
}

#define pthread_cleanup_push(function, value)                                                                          \
  do {                                                                                                                 \
    struct posix_cleanup cleanup_ = {(function), (value), pthread_self()->cleanup};                                    \
    pthread_self()->cleanup = &cleanup_;

#define pthread_cleanup_pop(execute)                                                                                   \
  pthread_self()->cleanup = cleanup_.next;                                                                             \
  if (execute) cleanup_.run(cleanup_.argument);                                                                        \
  }                                                                                                                    \
  while (0)

// ---------------------------------------------------------------------------------------------------------------------
// Cancellation. A wait that may be cancelled is on a word of its own: 0 waiting, POSIX_WOKEN, POSIX_CANCELLED.

enum { POSIX_WOKEN = 1, POSIX_CANCELLED = 2 };

KIT void pthread_testcancel(void) {
  struct pthread *self = pthread_self();
  if (self->cancelled && !self->cancel_disabled) pthread_exit(PTHREAD_CANCELED);
}

KIT int pthread_setcancelstate(int state, int *before) {
  struct pthread *self = pthread_self();
  if (before) *before = (int)self->cancel_disabled;
  self->cancel_disabled = (uint32_t)state;
  return 0;
}

KIT int pthread_cancel(pthread_t thread) {
  mutex_lock(&thread->cancel_lock);
  thread->cancelled = 1;
  // The waiter does not leave the wait while the lock is held, so that the word is there.
  if (thread->cancel_word && word_change(thread->cancel_word, 0, POSIX_CANCELLED)) word_wake_all(thread->cancel_word);
  mutex_unlock(&thread->cancel_lock);
  return 0;
}

// Says where the thread waits, or with a null pointer that it does no more.
KIT void posix_set_cancel_word(_Atomic uint32_t *word) {
  struct pthread *self = pthread_self();
  mutex_lock(&self->cancel_lock);
  self->cancel_word = self->cancel_disabled ? NULL : word;
  if (self->cancel_word && self->cancelled) word_change(word, 0, POSIX_CANCELLED);
  mutex_unlock(&self->cancel_lock);
}

KIT int nanosleep(const struct timespec *time, struct timespec *left) {
  if (!is_time(time)) return posix_error = EINVAL, -1;
  if (left) *left = (struct timespec){0, 0};
  _Atomic uint32_t word = 0;
  uint64_t end = now_nanoseconds() + (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec, now;
  posix_set_cancel_word(&word);
  while (!word && (now = now_nanoseconds()) < end) word_wait(&word, 0, end - now);
  posix_set_cancel_word(NULL);
  pthread_testcancel();
  return 0;
}

// Sleeps in the kernel's poll, which a signal that is handled cuts short: gives the errno.
KIT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
  (void)left;
  struct wasi_subscription wanted = {.u.tag = WASI_EVENTTYPE_CLOCK};
  wanted.u.u.clock.id = clock;
  wanted.u.u.clock.flags = (uint16_t)flags;
  wanted.u.u.clock.timeout = (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
  struct wasi_event event;
  uint32_t count;
  int error = wasi_poll_oneoff(&wanted, &event, 1, &count);
  return error ? error : event.error;
}

// ---------------------------------------------------------------------------------------------------------------------
// Mutexes.

enum { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK };

typedef struct {
  int kind;
} pthread_mutexattr_t;

typedef struct {
  struct mutex lock;
  int kind;
  uint32_t depth;
  struct pthread *_Atomic owner; // of a recursive or error-checking one
} pthread_mutex_t;

#define PTHREAD_MUTEX_INITIALIZER {.kind = PTHREAD_MUTEX_NORMAL}

KIT int pthread_mutexattr_init(pthread_mutexattr_t *attributes) { return attributes->kind = PTHREAD_MUTEX_NORMAL; }
KIT int pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int kind) { return attributes->kind = kind, 0; }
KIT int pthread_mutexattr_destroy(pthread_mutexattr_t *attributes) { return attributes ? 0 : EINVAL; }

KIT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  *mutex = (pthread_mutex_t){.kind = attributes ? attributes->kind : PTHREAD_MUTEX_NORMAL};
  return 0;
}

KIT int pthread_mutex_destroy(pthread_mutex_t *mutex) { return mutex->lock.state ? EBUSY : 0; }

// Takes what the thread holds already, or gives why it cannot: EAGAIN where it does not hold it.
KIT int posix_mutex_again(pthread_mutex_t *mutex, int error) {
  if (mutex->kind == PTHREAD_MUTEX_NORMAL || mutex->owner != pthread_self()) return EAGAIN;
  if (mutex->kind == PTHREAD_MUTEX_ERRORCHECK) return error;
  mutex->depth++;
  return 0;
}

KIT int posix_mutex_taken(pthread_mutex_t *mutex) {
  if (mutex->kind != PTHREAD_MUTEX_NORMAL) mutex->owner = pthread_self();
  return 0;
}

KIT int pthread_mutex_trylock(pthread_mutex_t *mutex) {
  int again = posix_mutex_again(mutex, EBUSY);
  if (again != EAGAIN) return again;
  return mutex_try_lock(&mutex->lock) ? posix_mutex_taken(mutex) : EBUSY;
}

KIT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *when) {
  int again = posix_mutex_again(mutex, EDEADLK);
  if (again != EAGAIN) return again;
  if (mutex_try_lock(&mutex->lock)) return posix_mutex_taken(mutex);
  if (!is_time(when)) return EINVAL;
  while (__c11_atomic_exchange(&mutex->lock.state, 2, __ATOMIC_SEQ_CST) != 0) {
    uint64_t left = time_until(CLOCK_REALTIME, when);
    if (left == 0) return ETIMEDOUT;
    word_wait(&mutex->lock.state, 2, left);
  }
  return posix_mutex_taken(mutex);
}

KIT int pthread_mutex_lock(pthread_mutex_t *mutex) { return pthread_mutex_timedlock(mutex, NULL); }

KIT int pthread_mutex_unlock(pthread_mutex_t *mutex) {
  if (mutex->kind != PTHREAD_MUTEX_NORMAL) {
    if (mutex->owner != pthread_self()) return EPERM;
    if (mutex->depth) return mutex->depth--, 0;
    mutex->owner = NULL;
  }
  mutex_unlock(&mutex->lock);
  return 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Condition variables: each waiter has a word of its own, in a line that the lock guards.

struct posix_waiter {
  _Atomic uint32_t word;
  struct posix_waiter *next;
};

typedef struct {
  clockid_t clock;
} pthread_condattr_t;

typedef struct {
  struct mutex lock;
  clockid_t clock;
  struct posix_waiter *first;
} pthread_cond_t;

#define PTHREAD_COND_INITIALIZER {.clock = CLOCK_REALTIME}

KIT int pthread_condattr_init(pthread_condattr_t *attributes) { return attributes->clock = CLOCK_REALTIME, 0; }
KIT int pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock) {
  return attributes->clock = clock, 0;
}

KIT int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
  *condition = (pthread_cond_t){.clock = attributes ? attributes->clock : CLOCK_REALTIME};
  return 0;
}

KIT int pthread_cond_destroy(pthread_cond_t *condition) { return condition->first ? EBUSY : 0; }

KIT int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *when) {
  if (!is_time(when)) return EINVAL;
  pthread_testcancel();
  struct posix_waiter waiter = {0}, **place;
  mutex_lock(&condition->lock);
  for (place = &condition->first; *place; place = &(*place)->next) {}
  *place = &waiter;
  mutex_unlock(&condition->lock);
  posix_set_cancel_word(&waiter.word);
  int error = pthread_mutex_unlock(mutex);
  uint64_t left;
  while (!error && !waiter.word && (left = time_until(condition->clock, when)) > 0) word_wait(&waiter.word, 0, left);
  posix_set_cancel_word(NULL);
  mutex_lock(&condition->lock);
  for (place = &condition->first; *place && *place != &waiter; place = &(*place)->next) {}
  if (*place) *place = waiter.next;
  mutex_unlock(&condition->lock);
  if (error) return error;
  error = pthread_mutex_lock(mutex);
  if (waiter.word == POSIX_CANCELLED) pthread_testcancel();
  return error ? error : waiter.word == 0 ? ETIMEDOUT : 0;
}

KIT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  return pthread_cond_timedwait(condition, mutex, NULL);
}

KIT int posix_wake_waiters(pthread_cond_t *condition, bool all) {
  mutex_lock(&condition->lock);
  for (bool more = true; more && condition->first;) {
    struct posix_waiter *waiter = condition->first;
    condition->first = waiter->next;
    if (!word_change(&waiter->word, 0, POSIX_WOKEN)) continue; // It was cancelled: another gets the signal.
    word_wake_all(&waiter->word);
    more = all;
  }
  mutex_unlock(&condition->lock);
  return 0;
}

KIT int pthread_cond_signal(pthread_cond_t *condition) { return posix_wake_waiters(condition, false); }
KIT int pthread_cond_broadcast(pthread_cond_t *condition) { return posix_wake_waiters(condition, true); }

// ---------------------------------------------------------------------------------------------------------------------
// Read-write locks: readers that hold it, or POSIX_WRITER.

#define POSIX_WRITER 0x7fffffffu

typedef struct {
  _Atomic uint32_t state;
} pthread_rwlock_t;

#define PTHREAD_RWLOCK_INITIALIZER {0}

KIT int pthread_rwlock_destroy(pthread_rwlock_t *lock) { return lock->state ? EBUSY : 0; }

KIT int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock) {
  for (;;) {
    uint32_t state = lock->state;
    if (state == POSIX_WRITER) return EBUSY;
    if (state == POSIX_WRITER - 1) return EAGAIN;
    if (word_change(&lock->state, state, state + 1)) return 0;
  }
}

KIT int pthread_rwlock_trywrlock(pthread_rwlock_t *lock) {
  return word_change(&lock->state, 0, POSIX_WRITER) ? 0 : EBUSY;
}

KIT int posix_rwlock_take(pthread_rwlock_t *lock, int (*try)(pthread_rwlock_t *), const struct timespec *when) {
  for (;;) {
    uint32_t state = lock->state;
    int error = try(lock);
    if (error != EBUSY) return error;
    if (!is_time(when)) return EINVAL;
    uint64_t left = time_until(CLOCK_REALTIME, when);
    if (left == 0) return ETIMEDOUT;
    if (state) word_wait(&lock->state, state, left);
  }
}

KIT int pthread_rwlock_rdlock(pthread_rwlock_t *lock) { return posix_rwlock_take(lock, pthread_rwlock_tryrdlock, NULL); }
KIT int pthread_rwlock_wrlock(pthread_rwlock_t *lock) { return posix_rwlock_take(lock, pthread_rwlock_trywrlock, NULL); }

KIT int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *when) {
  return posix_rwlock_take(lock, pthread_rwlock_tryrdlock, when);
}

KIT int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *when) {
  return posix_rwlock_take(lock, pthread_rwlock_trywrlock, when);
}

KIT int pthread_rwlock_unlock(pthread_rwlock_t *lock) {
  if (lock->state == POSIX_WRITER) lock->state = 0;
  else lock->state--;
  word_wake_all(&lock->state);
  return 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Barriers, semaphores, once.

#define PTHREAD_BARRIER_SERIAL_THREAD -1

typedef struct {
  struct mutex lock;
  uint32_t wanted, come;
  _Atomic uint32_t round;
} pthread_barrier_t;

KIT int pthread_barrier_init(pthread_barrier_t *barrier, const void *attributes, uint32_t count) {
  (void)attributes;
  *barrier = (pthread_barrier_t){.wanted = count};
  return count ? 0 : EINVAL;
}

KIT int pthread_barrier_destroy(pthread_barrier_t *barrier) { return barrier->come ? EBUSY : 0; }

KIT int pthread_barrier_wait(pthread_barrier_t *barrier) {
  mutex_lock(&barrier->lock);
  uint32_t round = barrier->round;
  bool last = ++barrier->come == barrier->wanted;
  if (last) {
    barrier->come = 0;
    barrier->round++;
  }
  mutex_unlock(&barrier->lock);
  if (last) word_wake_all(&barrier->round);
  else while (barrier->round == round) word_wait(&barrier->round, round, FOREVER);
  return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

typedef struct {
  _Atomic uint32_t value;
} sem_t;

KIT int sem_init(sem_t *semaphore, int shared, uint32_t value) { return semaphore->value = value, shared; }
KIT int sem_destroy(sem_t *semaphore) { return semaphore ? 0 : -1; }
KIT int sem_getvalue(sem_t *semaphore, int *value) { return *value = (int)semaphore->value, 0; }

KIT int sem_trywait(sem_t *semaphore) {
  for (uint32_t value = semaphore->value; value > 0; value = semaphore->value) {
    if (word_change(&semaphore->value, value, value - 1)) return 0;
  }
  return posix_error = EAGAIN, -1;
}

KIT int sem_timedwait(sem_t *semaphore, const struct timespec *when) {
  while (sem_trywait(semaphore) != 0) {
    uint64_t left = time_until(CLOCK_REALTIME, when);
    if (left == 0) return posix_error = ETIMEDOUT, -1;
    word_wait(&semaphore->value, 0, left);
  }
  return 0;
}

KIT int sem_wait(sem_t *semaphore) { return sem_timedwait(semaphore, NULL); }

KIT int sem_post(sem_t *semaphore) {
  semaphore->value++;
  word_wake_one(&semaphore->value);
  return 0;
}

typedef _Atomic uint32_t pthread_once_t;
#define PTHREAD_ONCE_INIT 0

KIT int pthread_once(pthread_once_t *once, void (*run)(void)) {
  if (word_change(once, 0, 1)) {
    run();
    *once = 2;
    word_wake_all(once);
  }
  while (*once == 1) word_wait(once, 1, FOREVER);
  return 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys.

typedef uint32_t pthread_key_t;

static struct mutex posix_keys_lock;
static struct {
  bool used;
  void (*destroy)(void *);
} posix_keys[POSIX_KEYS];

KIT int pthread_key_create(pthread_key_t *key, void (*destroy)(void *)) {
  mutex_lock(&posix_keys_lock);
  uint32_t free_key = 0;
  while (free_key < POSIX_KEYS && posix_keys[free_key].used) free_key++;
  if (free_key < POSIX_KEYS) {
    posix_keys[free_key].used = true;
    posix_keys[free_key].destroy = destroy;
  }
  mutex_unlock(&posix_keys_lock);
  *key = free_key;
  return free_key < POSIX_KEYS ? 0 : EAGAIN;
}

KIT int pthread_key_delete(pthread_key_t key) {
  mutex_lock(&posix_keys_lock);
  posix_keys[key].used = false;
  posix_keys[key].destroy = NULL;
  mutex_unlock(&posix_keys_lock);
  return 0;
}

KIT void *pthread_getspecific(pthread_key_t key) { return pthread_self()->values[key]; }
KIT int pthread_setspecific(pthread_key_t key, const void *value) {
  pthread_self()->values[key] = (void *)value;
  return 0;
}

KIT void posix_run_destructors(struct pthread *self) {
  bool again = true;
  for (int round = 0; again && round < 4; round++) {
    again = false;
    for (uint32_t key = 0; key < POSIX_KEYS; key++) {
      void *value = self->values[key];
      void (*destroy)(void *) = posix_keys[key].destroy;
      self->values[key] = NULL;
      if (!value || !destroy) continue;
      again = true;
      destroy(value);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Signals: the kernel calls one export for all of them, from the first `sigaction` on.

#define SIGABRT WASI_SIGNAL_ABRT
#define SIGTERM WASI_SIGNAL_TERM
#define SIGUSR1 WASI_SIGNAL_USR1
#define SIGUSR2 WASI_SIGNAL_USR2
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)

struct sigaction {
  void (*sa_handler)(int);
};

static struct sigaction posix_actions[32];

// As the C library does it: the default action of a signal is to raise SIGABRT, and the default action of that again.
KIT _Noreturn void abort(void) {
  wasi_proc_raise(SIGABRT);
  __builtin_trap();
}

__attribute__((export_name("take_signal"))) void posix_take_signal(int signal) {
  void (*handler)(int) = posix_actions[signal & 31].sa_handler;
  if (handler == SIG_IGN) return;
  if (handler != SIG_DFL) handler(signal);
  else if (signal != WASI_SIGNAL_CHLD && signal != WASI_SIGNAL_URG && signal != WASI_SIGNAL_WINCH) abort();
}

KIT int sigaction(int signal, const struct sigaction *action, struct sigaction *before) {
  if (before) *before = posix_actions[signal];
  posix_actions[signal] = *action;
  wasix_callback_signal("take_signal", 11);
  return 0;
}

KIT int pthread_kill(pthread_t thread, int signal) {
  int32_t tid = thread->kernel.tid;
  if (thread == &posix_main) CHECK_OK(wasix_proc_id(&tid)); // The main thread's number is the process's.
  return wasix_thread_signal(tid, (uint8_t)signal);
}

KIT int raise(int signal) { return wasi_proc_raise((uint8_t)signal); }
