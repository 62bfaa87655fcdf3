// Checkpoints as setjmp and longjmp, for programs that carry asyncify.
#pragma once

#include "weft.h"

// As a jmp_buf. The result lies beside the snapshot: it outlives the function's locals.
struct jump {
  struct wasi_stack_snapshot snapshot;
  uint64_t result;
};

// Returns once with 0, and again with what each jump gives.
#define CHECKPOINT(jump)                                                                                               \
  ({                                                                                                                   \
    CHECK_OK(wasix_stack_checkpoint(&(jump)->snapshot, &(jump)->result));                                              \
    (jump)->result;                                                                                                    \
  })

KIT _Noreturn void leap(struct jump *jump, uint64_t value) {
  wasix_stack_restore(&jump->snapshot, value);
  __builtin_unreachable();
}

// Goes back from so many calls further down.
__attribute__((noinline)) KIT void descend(struct jump *jump, uint32_t depth, uint64_t value) {
  volatile uint8_t frame[16];
  frame[depth % 16] = (uint8_t)depth;
  if (depth == 0) leap(jump, value);
  descend(jump, depth - 1, value + frame[depth % 16] - (uint8_t)depth);
}
