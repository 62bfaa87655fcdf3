// guest: threads
// Thread-local variables that do not begin as zero: the main thread has its own from the start, and each thread a fresh copy.
#include "weft.h"

static _Thread_local uint32_t number = 5;
static _Thread_local const char *text = "initial";

static void *use_own(void *argument) {
  CHECK(number == 5 && text_equal(text, "initial"));
  number += (uint32_t)argument;
  text = "changed";
  return (void *)number;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  CHECK(&number != NULL);
  CHECK(number == 5 && text_equal(text, "initial"));
  number = 7;
  struct thread *threads[3];
  for (uint32_t index = 0; index < 3; index++) threads[index] = thread_start(use_own, (void *)index);
  for (uint32_t index = 0; index < 3; index++) CHECK((uint32_t)thread_result(threads[index]) == 5 + index);
  CHECK(number == 7 && text_equal(text, "initial"));
  return 0;
}
