// guest: libc
// Traps in a function of its own.
#include <stdio.h>

__attribute__((noinline)) void step_on_a_mine(void) { __builtin_trap(); }

int main(void) {
  puts("here it comes");
  fflush(stdout);
  step_on_a_mine();
  return 0;
}
