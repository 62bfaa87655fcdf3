// guest: threads
// A second thread computes without end. Without an argument the main thread waits for it, with one it ends the program with that code.
#include "weft.h"

static void *compute(void *argument) {
  (void)argument;
  print("running\n");
  for (volatile uint32_t count = 0;; count++) {
  }
}

int main(int argc, char **argv) {
  struct thread *thread = thread_start(compute, NULL);
  if (argc > 1) return (int)text_number(argv[1]);
  thread_result(thread);
  return 0;
}
