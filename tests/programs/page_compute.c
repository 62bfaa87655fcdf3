// guest: libc
// Says that it starts, leaves a file behind, and computes for ever.
#include <stdio.h>

int main(void) {
  FILE *file = fopen("/begun", "w");
  if (file) fclose(file);
  puts("computing");
  fflush(stdout);
  for (volatile unsigned long count = 0;; count++) continue;
}
