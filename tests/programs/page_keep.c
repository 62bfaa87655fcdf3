// guest: libc
// Writes records into the directory named by its first argument, one after the other, as many as its second argument says: each replaces the file
// "current" and adds a line to the file "log". A record is forced to what keeps it; then its number is printed.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES 500

static void must(int works, const char *what) {
  if (works) return;
  perror(what);
  exit(1);
}

/** How many records there are. */
static int count_lines(int log) {
  char bytes[4096];
  int lines = 0;
  for (ssize_t length; (length = read(log, bytes, sizeof bytes)) > 0;) {
    for (ssize_t index = 0; index < length; index++) lines += bytes[index] == '\n';
  }
  return lines;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  must(chdir(argv[1]) == 0, argv[1]);
  int log = open("log", O_RDWR | O_CREAT | O_APPEND, 0666);
  must(log >= 0, "log");
  int record = count_lines(log);
  for (int end = record + atoi(argv[2]); record < end; record++) {
    static char text[LINES * 16];
    size_t length = 0;
    for (int line = 0; line < LINES; line++) length += (size_t)sprintf(text + length, "record %d\n", record);
    int next = open("next", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    must(next >= 0 && write(next, text, length) == (ssize_t)length, "next");
    must(fsync(next) == 0 && close(next) == 0, "fsync next");
    must(rename("next", "current") == 0, "rename");
    length = (size_t)sprintf(text, "line %d\n", record);
    must(write(log, text, length) == (ssize_t)length, "write log");
    must(fsync(log) == 0, "fsync log");
    printf("%d\n", record);
    fflush(stdout);
  }
  return 0;
}
