// The kit of the guest programs that have no C library: start and end, arguments, printing, checks, memory, threads,
// and the locks that threads need. A program with `// guest: threads` in its first line includes this and defines
// `int main(int argc, char **argv)`.
//
// Threads are started through thread_spawn_v2; with WEFT_OLDER_DOOR defined, through wasi.thread-spawn. All waiting is
// done with futex calls, never with the raw atomic instruction, unless a program writes it out itself.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasix.h"

// What may go unused in a program.
#define KIT __attribute__((unused)) static

// ---------------------------------------------------------------------------------------------------------------------
// Bytes and text. The compiler calls the first four by itself, so they keep their C names.

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  __builtin_memcpy(to, from, size);
  return to;
}

__attribute__((weak)) void *memmove(void *to, const void *from, size_t size) {
  __builtin_memmove(to, from, size);
  return to;
}

__attribute__((weak)) void *memset(void *to, int byte, size_t size) {
  __builtin_memset(to, byte, size);
  return to;
}

__attribute__((weak)) int memcmp(const void *left, const void *right, size_t size) {
  const uint8_t *a = left, *b = right;
  for (; size; size--, a++, b++) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return 0;
}

KIT size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

KIT bool text_equal(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}

// The decimal number that the text begins with.
KIT uint64_t text_number(const char *text) {
  uint64_t number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (uint64_t)(*text++ - '0');
  return number;
}

// ---------------------------------------------------------------------------------------------------------------------
// Printing. Every call is one write, so that lines of several threads do not mix.

KIT int32_t write_bytes(int32_t fd, const void *bytes, size_t size) {
  const struct wasi_ciovec piece = {(uint8_t *)bytes, size};
  uint32_t written;
  return wasi_fd_write(fd, &piece, 1, &written);
}

struct line {
  char text[1024];
  size_t length;
};

KIT void line_add(struct line *line, char letter) {
  if (line->length < sizeof line->text) line->text[line->length++] = letter;
}

KIT void line_add_number(struct line *line, uint64_t number, uint32_t base) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number);
  while (count) line_add(line, digits[--count]);
}

KIT void line_format(struct line *line, const char *format, va_list values) {
  for (; *format; format++) {
    if (*format != '%') {
      line_add(line, *format);
      continue;
    }
    bool wide = false;
    for (format++; *format == 'l'; format++) wide = true;
    switch (*format) {
    case 'd': {
      int64_t number = wide ? va_arg(values, int64_t) : va_arg(values, int32_t);
      if (number < 0) line_add(line, '-');
      line_add_number(line, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
      break;
    }
    case 'u':
    case 'x': {
      uint64_t number = wide ? va_arg(values, uint64_t) : va_arg(values, uint32_t);
      line_add_number(line, number, *format == 'u' ? 10 : 16);
      break;
    }
    case 's': {
      const char *text = va_arg(values, const char *);
      while (*text) line_add(line, *text++);
      break;
    }
    case 'c': line_add(line, (char)va_arg(values, int)); break;
    default: line_add(line, *format); break;
    }
    if (!*format) return;
  }
}

// Prints to standard output: %d %u %x of 32 bits, %ld %lu %lx of 64, %s, %c, %%.
KIT void print(const char *format, ...) {
  struct line line = {.length = 0};
  va_list values;
  va_start(values, format);
  line_format(&line, format, values);
  va_end(values);
  write_bytes(1, line.text, line.length);
}

// Prints to standard error, as print does.
KIT void complain(const char *format, ...) {
  struct line line = {.length = 0};
  va_list values;
  va_start(values, format);
  line_format(&line, format, values);
  va_end(values);
  write_bytes(2, line.text, line.length);
}

// Ends the program with code 1 and the place and text of the condition, unless it holds.
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      complain("%s:%d: check failed: %s\n", __FILE_NAME__, __LINE__, #condition);                                      \
      wasi_proc_exit(1);                                                                                               \
    }                                                                                                                  \
  } while (0)

// The same for a call that must answer this errno; tells which one came.
#define CHECK_ERRNO(expected, call)                                                                                    \
  do {                                                                                                                 \
    int32_t came_ = (call);                                                                                            \
    if (came_ != (expected)) {                                                                                         \
      complain("%s:%d: %s gave %d, not %d\n", __FILE_NAME__, __LINE__, #call, came_, (int32_t)(expected));             \
      wasi_proc_exit(1);                                                                                               \
    }                                                                                                                  \
  } while (0)

#define CHECK_OK(call) CHECK_ERRNO(WASI_SUCCESS, call)

// ---------------------------------------------------------------------------------------------------------------------
// Time and memory.

KIT uint64_t now_nanoseconds(void) {
  uint64_t time = 0;
  wasi_clock_time_get(WASI_CLOCKID_MONOTONIC, 1, &time);
  return time;
}

extern uint8_t __heap_base;
static _Atomic uint32_t heap_used;

// Memory that is never given back, 16-aligned and zero; a null pointer where the memory cannot grow any more.
KIT void *allocate(size_t size) {
  uint32_t rounded = ((uint32_t)size + 15) & ~15u;
  uint32_t start = (((uint32_t)&__heap_base + 15) & ~15u) + __c11_atomic_fetch_add(&heap_used, rounded, __ATOMIC_SEQ_CST);
  uint64_t end = (uint64_t)start + rounded;
  while (end > (uint64_t)__builtin_wasm_memory_size(0) * 65536) {
    uint32_t missing = (uint32_t)((end + 65535) / 65536) - (uint32_t)__builtin_wasm_memory_size(0);
    // Another thread may have grown it meanwhile: then the loop looks again, or a little is grown too much.
    if ((int32_t)missing > 0 && __builtin_wasm_memory_grow(0, missing) == (size_t)-1) return NULL;
  }
  return (void *)start;
}

// ---------------------------------------------------------------------------------------------------------------------
// Waiting on a word.

#define FOREVER (~0ull)

// Waits while the word has this value, at most so long. Gives whether it was woken, which may also be by mistake.
KIT bool word_wait(_Atomic uint32_t *word, uint32_t value, uint64_t nanoseconds) {
  struct wasi_option_timestamp timeout = {.tag = WASI_OPTION_NONE};
  if (nanoseconds != FOREVER) {
    timeout.tag = WASI_OPTION_SOME;
    timeout.u.some = nanoseconds;
  }
  uint8_t woken = 0;
  CHECK_OK(wasix_futex_wait((const uint32_t *)word, value, &timeout, &woken));
  return woken;
}

KIT void word_wake_one(_Atomic uint32_t *word) {
  uint8_t woken;
  CHECK_OK(wasix_futex_wake((const uint32_t *)word, &woken));
}

KIT void word_wake_all(_Atomic uint32_t *word) {
  uint8_t woken;
  CHECK_OK(wasix_futex_wake_all((const uint32_t *)word, &woken));
}

// 0 free, 1 held, 2 held and perhaps waited for.
struct mutex {
  _Atomic uint32_t state;
};

KIT bool mutex_try_lock(struct mutex *mutex) {
  uint32_t free = 0;
  return __c11_atomic_compare_exchange_strong(&mutex->state, &free, 1, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

KIT void mutex_lock(struct mutex *mutex) {
  if (mutex_try_lock(mutex)) return;
  while (__c11_atomic_exchange(&mutex->state, 2, __ATOMIC_SEQ_CST) != 0) word_wait(&mutex->state, 2, FOREVER);
}

KIT void mutex_unlock(struct mutex *mutex) {
  if (__c11_atomic_exchange(&mutex->state, 0, __ATOMIC_SEQ_CST) == 2) word_wake_one(&mutex->state);
}

// Counts the signals, so that one between the unlock and the wait of a waiter is not missed.
struct condition {
  _Atomic uint32_t signals;
};

// The mutex must be held; it is held again afterwards. Gives false where the time ran out.
KIT bool condition_wait(struct condition *condition, struct mutex *mutex, uint64_t nanoseconds) {
  uint32_t seen = condition->signals;
  mutex_unlock(mutex);
  bool woken = word_wait(&condition->signals, seen, nanoseconds);
  mutex_lock(mutex);
  return woken || condition->signals != seen;
}

KIT void condition_signal(struct condition *condition) {
  condition->signals++;
  word_wake_one(&condition->signals);
}

KIT void condition_broadcast(struct condition *condition) {
  condition->signals++;
  word_wake_all(&condition->signals);
}

// ---------------------------------------------------------------------------------------------------------------------
// Threads.

#ifndef WEFT_STACK_SIZE
#define WEFT_STACK_SIZE 16384
#endif

// `start` is what the kernel reads, and comes first: the thread gets the address of the whole.
struct thread {
  struct wasi_thread_start start;
  _Atomic int32_t tid;
  _Atomic uint32_t ended;
  void *result;
};

void __wasm_init_tls(void *base);

// A new instance has the stack pointer and the thread-local base of the main thread: both are set before any C runs.
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype __wasm_init_tls (i32) -> ()\n"
        ".functype weft_thread_main (i32, i32) -> ()\n"
        ".globl wasi_thread_start\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        ".section .text.wasi_thread_start,\"\",@\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n" // start.stack
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "i32.load 4\n" // start.tls_base
        "call __wasm_init_tls\n"
        "local.get 0\n"
        "local.get 1\n"
        "call weft_thread_main\n"
        "end_function\n");

__attribute__((used)) void weft_thread_main(int32_t tid, struct thread *thread) {
  thread->tid = tid;
  thread->result = ((void *(*)(void *))thread->start.start_funct)((void *)thread->start.start_args);
  thread->ended = 1;
  word_wake_all(&thread->ended);
}

// Fills a thread's record for a start on the given stack, at whose lower end its thread-local variables lie. Gives the errno.
KIT int32_t thread_prepare(struct thread *thread, void *stack, size_t size, void *(*run)(void *), void *argument) {
  uint32_t align = __builtin_wasm_tls_align() > 16 ? (uint32_t)__builtin_wasm_tls_align() : 16;
  uint32_t base = ((uint32_t)stack + align - 1) & ~(align - 1);
  uint32_t lower = (base + (uint32_t)__builtin_wasm_tls_size() + 15) & ~15u;
  uint32_t upper = ((uint32_t)stack + (uint32_t)size) & ~15u;
  if (lower >= upper) return WASI_EINVAL;
  *thread = (struct thread){
      .start =
          {
              .stack = upper,
              .tls_base = base,
              .start_funct = (uint32_t)run,
              .start_args = (uint32_t)argument,
              .stack_size = upper - lower,
              .guard_size = 0,
          },
  };
  return WASI_SUCCESS;
}

// Starts a thread on the given stack. Gives the errno.
KIT int32_t thread_start_on(struct thread *thread, void *stack, size_t size, void *(*run)(void *), void *argument) {
  int32_t prepared = thread_prepare(thread, stack, size, run, argument);
  if (prepared) return prepared;
#ifdef WEFT_OLDER_DOOR
  int32_t tid = wasi_thread_spawn(thread);
  if (tid < 0) return -tid;
  thread->tid = tid;
  return WASI_SUCCESS;
#else
  int32_t tid = 0;
  int32_t error = wasix_thread_spawn_v2(&thread->start, &tid);
  if (error == WASI_SUCCESS) thread->tid = tid;
  return error;
#endif
}

// Starts a thread on a new stack of WEFT_STACK_SIZE bytes. Ends the program where that fails.
KIT struct thread *thread_start(void *(*run)(void *), void *argument) {
  struct thread *thread = allocate(sizeof *thread);
  void *stack = allocate(WEFT_STACK_SIZE);
  CHECK(thread && stack);
  CHECK_OK(thread_start_on(thread, stack, WEFT_STACK_SIZE, run, argument));
  return thread;
}

// Waits until the thread's function has returned, and gives what it returned. The thread is still on its way out of
// its stack then: before that is used again, wait for the kernel's word with wasix_thread_join.
KIT void *thread_result(struct thread *thread) {
  while (!thread->ended) word_wait(&thread->ended, 0, FOREVER);
  return thread->result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Start of the program. With WEFT_OWN_START defined, the program has its own _start.

#ifndef WEFT_OWN_START
int main(int argc, char **argv);

__attribute__((export_name("_start"))) void _start(void) {
  uint32_t count = 0, size = 0;
  CHECK_OK(wasi_args_sizes_get(&count, &size));
  char **arguments = allocate((count + 1) * sizeof *arguments);
  char *bytes = allocate(size);
  CHECK(arguments && bytes);
  CHECK_OK(wasi_args_get((uint8_t **)arguments, bytes));
  wasi_proc_exit((uint32_t)main((int)count, arguments));
}
#endif
