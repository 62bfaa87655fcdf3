// guest: libc
// Copies its standard input to its standard output, as cat does. Tells on standard error whether the input is a terminal when asked with an argument.
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) fprintf(stderr, "terminal: %d\n", isatty(0));
  char bytes[4096];
  for (;;) {
    ssize_t count = read(0, bytes, sizeof bytes);
    if (count < 0) return 1;
    if (count == 0) return 0;
    for (ssize_t done = 0; done < count;) {
      ssize_t written = write(1, bytes + done, (size_t)(count - done));
      if (written < 0) return 2;
      done += written;
    }
  }
}
