// guest: threads
// The entry of the program returns while other threads compute and wait.
#define WEFT_OWN_START
#include "weft.h"

static _Atomic uint32_t ready;
static _Atomic uint32_t never;

static void *compute(void *argument) {
  for (ready++;;) continue;
  return argument;
}

static void *wait(void *argument) {
  ready++;
  word_wait(&never, 0, FOREVER);
  return argument;
}

__attribute__((export_name("_start"))) void _start(void) {
  thread_start(compute, NULL);
  thread_start(wait, NULL);
  while (ready < 2) CHECK_OK(wasix_thread_sleep(100000));
  print("returning\n");
}
