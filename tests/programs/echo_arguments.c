// guest: libc
// Prints its arguments, one a line, and ends with their number (without the program's name) as its exit code.
#include <stdio.h>

int main(int argc, char **argv) {
  for (int index = 1; index < argc; index++) puts(argv[index]);
  return argc - 1;
}
