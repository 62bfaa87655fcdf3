// The kit as a freestanding WASIX guest: no C library, the calls one would make for it. Threads
// come from `wasi.thread-spawn`, words from `wasix_32v1.futex_*`, as in today's WASIX C library.
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

typedef struct {
  const void *bytes;
  u32 length;
} buffer;

typedef struct {
  u8 some;
  u64 nanoseconds;
} timeout;

IMPORT("wasi_snapshot_preview1", "args_sizes_get") i32 args_sizes_get(u32 *count, u32 *size);
IMPORT("wasi_snapshot_preview1", "args_get") i32 args_get(char **values, char *bytes);
IMPORT("wasi_snapshot_preview1", "clock_time_get") i32 clock_time_get(u32 id, u64 step, u64 *time);
IMPORT("wasi_snapshot_preview1", "fd_write") i32 fd_write(i32 fd, const buffer *, u32, u32 *done);
IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void proc_exit(i32 code);
IMPORT("wasi", "thread-spawn") i32 thread_spawn(void *start);
IMPORT("wasix_32v1", "futex_wait")
i32 futex_wait(void *at, u32 value, const timeout *, u8 *woken);
IMPORT("wasix_32v1", "futex_wake_all") i32 futex_wake_all(void *at, u8 *woken);

#define MAIN                                                                                       \
  static void program(void);                                                                       \
  __attribute__((export_name("_start"))) void _start(void) {                                       \
    program();                                                                                     \
    proc_exit(0);                                                                                  \
  }                                                                                                \
  static void program(void)

#define atomic_fetch_add(at, value) __c11_atomic_fetch_add(at, value, __ATOMIC_SEQ_CST)
#define atomic_load(at) __c11_atomic_load(at, __ATOMIC_SEQ_CST)
#define atomic_store(at, value) __c11_atomic_store(at, value, __ATOMIC_SEQ_CST)

typedef _Atomic i32 word;

// The entry below reads `stack_top` at offset 0.
typedef struct thread {
  u32 stack_top;
  void (*body)(struct thread *);
  u32 argument;
  word done;
  i64 started;
} thread;

static inline i64 now(void) {
  u64 time = 0;
  clock_time_get(1, 1, &time);
  return (i64)time;
}

static inline void put(const char *text) {
  buffer line = {text, 0};
  while (text[line.length]) line.length++;
  u32 done;
  fd_write(1, &line, 1, &done);
}

// One line is put together first: one call, so that lines of threads do not mix.
static inline void report(const char *name, i64 value, const char *unit) {
  static char line[128];
  u32 at = 0;
  while (*name) line[at++] = *name++;
  line[at++] = ' ';
  if (value < 0) line[at++] = '-';
  u64 rest = value < 0 ? -(u64)value : (u64)value;
  char digits[20];
  u32 count = 0;
  do digits[count++] = (char)('0' + rest % 10);
  while (rest /= 10);
  while (count) line[at++] = digits[--count];
  line[at++] = ' ';
  while (*unit) line[at++] = *unit++;
  line[at++] = '\n';
  line[at] = 0;
  put(line);
}

static inline void fail(const char *message) {
  put(message);
  put("\n");
  proc_exit(1);
}

static inline u8 *reserve(u32 size) {
  size_t page = __builtin_wasm_memory_grow(0, (size + 65535) / 65536);
  if (page == (size_t)-1) fail("no memory for the stacks");
  return (u8 *)(page * 65536);
}

static inline u32 argument(u32 index, u32 fallback) {
  static char bytes[4096];
  static char *values[64];
  u32 count, size;
  if (args_sizes_get(&count, &size) || count > 64 || size > sizeof bytes || index >= count)
    return fallback;
  if (args_get(values, bytes)) return fallback;
  u32 number = 0;
  for (const char *at = values[index]; *at >= '0' && *at <= '9'; at++)
    number = number * 10 + (u32)(*at - '0');
  return number;
}

static inline void wait_word(word *at, i32 value) {
  static const timeout forever = {0, 0};
  u8 woken;
  futex_wait((void *)at, (u32)value, &forever, &woken);
}

static inline void wake_word(word *at) {
  u8 woken;
  futex_wake_all((void *)at, &woken);
}

// A new instance starts with the main thread's stack pointer: the entry must load its own before
// any compiled function runs, so it is written by hand.
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype thread_main (i32, i32) -> ()\n"
        ".globl wasi_thread_start\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        ".section .text.wasi_thread_start,\"\",@\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 0\n"
        "local.get 1\n"
        "call thread_main\n"
        "end_function\n");

__attribute__((used)) void thread_main(i32 id, thread *self) {
  (void)id;
  self->started = now();
  self->body(self);
  atomic_store(&self->done, 1);
  wake_word(&self->done);
}

static inline int start(thread *self, void *stack, u32 size, void (*body)(thread *), u32 value) {
  self->stack_top = ((u32)stack + size) & ~15u;
  self->body = body;
  self->argument = value;
  atomic_store(&self->done, 0);
  return thread_spawn(self) > 0;
}

static inline void join(thread *self) {
  while (!atomic_load(&self->done)) wait_word(&self->done, 0);
}
