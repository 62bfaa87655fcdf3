// The kit on Linux: pthreads for threads, futex(2) for words.
#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAIN                                                                                       \
  static void program(void);                                                                       \
  static char **arguments;                                                                         \
  static int argument_count;                                                                       \
  int main(int count, char **values) {                                                             \
    arguments = values;                                                                            \
    argument_count = count;                                                                        \
    program();                                                                                     \
    return 0;                                                                                      \
  }                                                                                                \
  static void program(void)

#define argument(index, fallback)                                                                  \
  ((index) < argument_count ? (u32)strtoul(arguments[index], NULL, 10) : (u32)(fallback))

typedef _Atomic i32 word;

typedef struct thread {
  pthread_t handle;
  void (*body)(struct thread *);
  u32 argument;
  i64 started;
} thread;

static inline i64 now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (i64)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline void report(const char *name, i64 value, const char *unit) {
  printf("%s %" PRId64 " %s\n", name, value, unit);
}

static inline void fail(const char *message) {
  printf("%s\n", message);
  exit(1);
}

static inline u8 *reserve(u32 size) {
  u8 *bytes = malloc(size);
  if (!bytes) fail("no memory for the stacks");
  return bytes;
}

static inline void wait_word(word *at, i32 value) {
  syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static inline void wake_word(word *at) {
  syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void *enter(void *opaque) {
  thread *self = opaque;
  self->started = now();
  self->body(self);
  return NULL;
}

// The stack given is for guests; here the C library brings one of 64 KiB, which it caches.
static inline int start(thread *self, void *stack, u32 size, void (*body)(thread *), u32 value) {
  (void)stack;
  (void)size;
  static pthread_attr_t attributes;
  static int ready;
  if (!ready) {
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    ready = 1;
  }
  self->body = body;
  self->argument = value;
  return pthread_create(&self->handle, &attributes, enter, self) == 0;
}

static inline void join(thread *self) { pthread_join(self->handle, NULL); }
