// guest: libc
// Writes lines until it cannot any more; ends with the errno.
#include <errno.h>
#include <unistd.h>

int main(void) {
  for (;;) {
    if (write(1, "a line\n", 7) < 0) return errno;
  }
}
