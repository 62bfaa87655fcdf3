// Leaving a stack for a place further up, in two versions: setjmp and longjmp natively, and what the C library makes them of in programs with asyncify,
// the checkpoints of WASIX.
//
//   mark(&jump)      0 at first, and what `leap` gives whenever that comes back here
//   leap(&jump, value)   does not return

#ifdef __wasm__

typedef struct {
  struct {
    u64 user, key[2];
  } snapshot;
  u64 value;
} jump;

IMPORT("wasix_32v1", "stack_checkpoint") i32 stack_checkpoint(void *snapshot, u64 *value);
IMPORT("wasix_32v1", "stack_restore") _Noreturn void stack_restore(const void *snapshot, u64 value);

#define mark(at)                                                                                   \
  (stack_checkpoint(&(at)->snapshot, &(at)->value) ? (fail("no checkpoint"), 0) : (at)->value)
#define leap(at, number) stack_restore(&(at)->snapshot, number)

#else

#include <setjmp.h>

typedef struct {
  jmp_buf buffer;
} jump;

#define mark(at) setjmp((at)->buffer)
#define leap(at, number) longjmp((at)->buffer, number)

#endif
