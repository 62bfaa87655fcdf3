// guest: libc
// Prints the files that are its arguments, as cat does; ends with the number of those it could not read.
#include <stdio.h>

int main(int argc, char **argv) {
  int missing = 0;
  for (int index = 1; index < argc; index++) {
    FILE *file = fopen(argv[index], "r");
    if (!file) {
      perror(argv[index]);
      missing++;
      continue;
    }
    for (int letter; (letter = getc(file)) != EOF;) putchar(letter);
    fclose(file);
  }
  return missing;
}
