// guest: libc
// Sleeps as many milliseconds as its argument says, and tells how it went; without an argument, for ever.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  puts("sleeping");
  fflush(stdout);
  if (argc < 2) {
    for (;;) sleep(1000);
  }
  struct timespec before, after, pause = {0, atol(argv[1]) * 1000000L};
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&pause, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long slept = (after.tv_sec - before.tv_sec) * 1000000000LL + (after.tv_nsec - before.tv_nsec);
  puts(slept >= pause.tv_nsec ? "slept enough" : "slept too little");
  return 0;
}
