// guest: threads
// A program that wants to fork, and then a checkpoint, as setjmp does, and does not carry asyncify.
#include "weft.h"

int main(int argc, char **argv) {
  (void)argv;
  int32_t pid = 0;
  for (uint32_t times = 0; times < 3; times++) CHECK_ERRNO(WASI_ENOTSUP, wasix_proc_fork(1, &pid));
  print("refused\n");
  if (argc == 1) return 0;
  struct wasi_stack_snapshot snapshot;
  uint64_t value = 0;
  CHECK_ERRNO(WASI_ENOTSUP, wasix_stack_checkpoint(&snapshot, &value));
  __builtin_trap();
  return 0;
}
