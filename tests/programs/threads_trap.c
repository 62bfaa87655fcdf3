// guest: threads
// A second thread traps while the main thread waits for it.
#include "weft.h"

static void *trap(void *argument) {
  (void)argument;
  __builtin_trap();
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  thread_result(thread_start(trap, NULL));
  return 0;
}
