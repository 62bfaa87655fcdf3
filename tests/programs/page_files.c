// guest: libc
// Reads the file named by its first argument, makes the directory /made and writes the file's bytes into it twice, backwards.
#include <stdio.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  static char bytes[65536];
  if (argc < 2) return 2;
  FILE *from = fopen(argv[1], "r");
  if (!from) return perror(argv[1]), 1;
  size_t length = fread(bytes, 1, sizeof bytes, from);
  fclose(from);
  if (mkdir("/made", 0755) != 0) return perror("/made"), 1;
  FILE *to = fopen("/made/backwards", "w");
  if (!to) return perror("/made/backwards"), 1;
  for (int time = 0; time < 2; time++) {
    for (size_t index = length; index > 0; index--) fputc(bytes[index - 1], to);
  }
  fclose(to);
  printf("%zu bytes\n", length);
  return 0;
}
