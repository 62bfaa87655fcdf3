// guest: libc
// `read PATH` prints a file, `write PATH TEXT` makes one; ends with the errno of what failed.
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc < 3) return 255;
  errno = 0;
  if (strcmp(argv[1], "read") == 0) {
    FILE *file = fopen(argv[2], "r");
    if (!file) {
      fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
      return errno;
    }
    for (int letter; (letter = getc(file)) != EOF;) putchar(letter);
    return fclose(file) == 0 ? 0 : errno;
  }
  FILE *file = fopen(argv[2], "w");
  if (!file || fputs(argv[3], file) == EOF || fclose(file) != 0) {
    fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
    return errno;
  }
  return 0;
}
