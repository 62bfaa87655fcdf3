// guest: threads
// A second thread writes without end to where nobody reads, and is held up in that; the main thread ends the program with code 5.
#include "weft.h"

static _Atomic uint32_t turn;

static void *write_on(void *argument) {
  (void)argument;
  for (;;) {
    print("a line that nobody reads\n");
    turn++;
  }
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  thread_start(write_on, NULL);
  // Until the other thread has come to a stop.
  for (uint32_t seen = ~0u; seen == 0 || seen != turn;) {
    seen = turn;
    static _Atomic uint32_t never;
    word_wait(&never, 0, 300000000);
  }
  return 5;
}
