// The smallest program of use: for the cost of starting a process.
#include <stdio.h>

int main(void) {
  puts("hello");
  return 0;
}
