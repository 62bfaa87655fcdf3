// guest: threads
// A program that wants to fork and does not carry asyncify.
#include "weft.h"

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  int32_t pid = 0;
  for (uint32_t times = 0; times < 3; times++) CHECK_ERRNO(WASI_ENOTSUP, wasix_proc_fork(1, &pid));
  print("refused\n");
  return 0;
}
