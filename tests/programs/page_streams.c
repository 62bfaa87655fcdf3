// guest: libc
// Prints its arguments, the variable GREETING and how many bytes and lines its standard input has; a line on standard error too.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  for (int index = 1; index < argc; index++) printf("argument %s\n", argv[index]);
  const char *greeting = getenv("GREETING");
  printf("greeting %s\n", greeting ? greeting : "none");
  long bytes = 0, lines = 0;
  for (int byte; (byte = getchar()) != EOF; bytes++) lines += byte == '\n';
  printf("input %ld bytes, %ld lines\n", bytes, lines);
  fputs("to standard error\n", stderr);
  return 0;
}
