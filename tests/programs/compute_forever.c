// guest: libc
// Says that it runs, and computes without end and without a call.
#include <stdio.h>

int main(void) {
  puts("running");
  fflush(stdout);
  for (volatile unsigned count = 0;; count++) {
  }
}
