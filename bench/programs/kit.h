// What a thread measurement needs from the machine below it, in two versions of one interface:
// `kit-native.h` (pthreads and futex(2)) and `kit-guest.h` (a freestanding WASIX guest). A program
// includes this file only, so the program that is measured natively and as a guest is the same text.
//
//   MAIN { ... }                       the program's entry
//   now()                              monotonic time, nanoseconds
//   argument(index, fallback)          the index-th argument as a number
//   report(name, value, unit)          one line `name value unit` on standard output
//   reserve(size)                      that many bytes for the guest's stacks, never given back. An array would do, but object files
//                                      of WebAssembly spell its zeros out, which takes the compiler minutes
//   fail(message)                      the message on standard output, exit code 1
//   start(thread, stack, size, body, argument)   1 when the thread was made, 0 when not
//   join(thread)                       returns when the body has returned
//   wait_word(word, value)             sleeps while *word == value; may return early
//   wake_word(word)                    wakes every sleeper of the word
#include <stddef.h>
#include <stdint.h>

typedef int32_t i32;
typedef uint32_t u32;
typedef int64_t i64;
typedef uint64_t u64;
typedef uint8_t u8;

#define STACK __attribute__((aligned(16)))

#ifdef __wasm__
#include "kit-guest.h"
#else
#include "kit-native.h"
#endif

// Sorts in place, smallest first (Shell's sort: no recursion, no library).
static inline void sort(i64 *values, u32 count) {
  for (u32 gap = count / 2; gap; gap /= 2)
    for (u32 i = gap; i < count; i++) {
      i64 value = values[i];
      u32 at = i;
      for (; at >= gap && values[at - gap] > value; at -= gap) values[at] = values[at - gap];
      values[at] = value;
    }
}
