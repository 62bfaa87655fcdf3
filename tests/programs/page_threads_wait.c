// guest: threads
// Two threads compute for ever, the third and the main thread wait for ever.
#include "weft.h"

static _Atomic uint32_t never;

static void *compute(void *argument) {
  (void)argument;
  for (volatile uint32_t count = 0;; count++) continue;
}

static void *wait_long(void *argument) {
  (void)argument;
  print("waiting\n");
  for (;;) word_wait(&never, 0, FOREVER);
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  thread_start(compute, NULL);
  thread_start(compute, NULL);
  thread_result(thread_start(wait_long, NULL));
  return 0;
}
