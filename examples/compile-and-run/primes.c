// Counts the prime numbers below a limit on several threads: WASIX threads without a C library, so that all there is to it can be read here.
//
// Usage: primes.wasm [limit [threads]]
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------------------------------------------------------------
// The calls of the system, by the names they are imported under.

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

struct buffer {
  const void *start;
  size_t size;
};

IMPORT("wasi_snapshot_preview1", "fd_write")
int32_t fd_write(int32_t fd, const struct buffer *buffers, size_t count, size_t *written);
IMPORT("wasi_snapshot_preview1", "args_sizes_get") int32_t args_sizes_get(uint32_t *count, uint32_t *size);
IMPORT("wasi_snapshot_preview1", "args_get") int32_t args_get(char **arguments, char *bytes);
IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void proc_exit(uint32_t code);
IMPORT("wasix_32v1", "thread_spawn_v2") int32_t thread_spawn_v2(const void *start, uint32_t *tid);
IMPORT("wasix_32v1", "thread_join") int32_t thread_join(uint32_t tid);

// ---------------------------------------------------------------------------------------------------------------------
// Threads.

#define MOST_THREADS 64
#define STACK_SIZE 65536

// The first fields are what the kernel reads; a thread gets the address of the whole.
struct thread {
  uint32_t stack, tls_base, start_function, start_argument, reserved[10], stack_size, guard_size;
  uint32_t tid;
};

static struct thread threads[MOST_THREADS];
static _Alignas(16) uint8_t stacks[MOST_THREADS][STACK_SIZE];

// A thread's instance begins with the stack of the main thread: it takes its own before any C runs.
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype run_thread (i32) -> ()\n"
        ".globl wasi_thread_start\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        ".section .text.wasi_thread_start,\"\",@\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "call run_thread\n"
        "end_function\n");

// ---------------------------------------------------------------------------------------------------------------------
// The work: threads take blocks of numbers until there are no more.

#define BLOCK 10000

static uint32_t limit = 2000000;
static _Atomic uint32_t next_block;
static _Atomic uint32_t primes;

static bool is_prime(uint32_t number) {
  if (number < 4) return number > 1;
  if (number % 2 == 0) return false;
  for (uint32_t divisor = 3; divisor <= number / divisor; divisor += 2) {
    if (number % divisor == 0) return false;
  }
  return true;
}

__attribute__((used)) void run_thread(struct thread *thread) {
  (void)thread;
  for (;;) {
    uint64_t start = (uint64_t)next_block++ * BLOCK;
    if (start >= limit) return;
    uint32_t found = 0;
    for (uint64_t number = start; number < start + BLOCK && number < limit; number++) {
      found += is_prime((uint32_t)number);
    }
    primes += found;
  }
}

// ---------------------------------------------------------------------------------------------------------------------

static void print(const char *text) {
  struct buffer buffer = {text, 0};
  while (text[buffer.size]) buffer.size++;
  size_t written;
  fd_write(1, &buffer, 1, &written);
}

static void print_number(uint32_t number) {
  char digits[11] = {0};
  size_t at = 10;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  print(digits + at);
}

static uint32_t read_number(const char *text) {
  uint32_t number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (uint32_t)(*text++ - '0');
  return number;
}

void _start(void) {
  static char *arguments[8];
  static char bytes[1024];
  uint32_t count = 0, size = 0, thread_count = 4;
  args_sizes_get(&count, &size);
  if (count <= 8 && size <= sizeof bytes) args_get(arguments, bytes);
  if (arguments[0] && count > 1) limit = read_number(arguments[1]);
  if (arguments[0] && count > 2) thread_count = read_number(arguments[2]);
  if (thread_count < 1 || thread_count > MOST_THREADS) {
    print("1 to 64 threads, please.\n");
    proc_exit(2);
  }

  for (uint32_t index = 0; index < thread_count; index++) {
    struct thread *thread = &threads[index];
    thread->stack = (uint32_t)(stacks[index] + STACK_SIZE);
    thread->stack_size = STACK_SIZE;
    if (thread_spawn_v2(thread, &thread->tid) != 0) {
      print("A thread could not be started.\n");
      proc_exit(1);
    }
  }
  for (uint32_t index = 0; index < thread_count; index++) thread_join(threads[index].tid);

  print_number(primes);
  print(" primes below ");
  print_number(limit);
  print(", counted by ");
  print_number(thread_count);
  print(" threads\n");
}
