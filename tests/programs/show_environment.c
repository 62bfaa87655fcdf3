// guest: libc
// Prints its name and its environment, a line each.
#include <stdio.h>

extern char **environ;

int main(int argc, char **argv) {
  (void)argc;
  puts(argv[0]);
  for (char **variable = environ; *variable; variable++) puts(*variable);
  return 0;
}
