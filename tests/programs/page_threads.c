// guest: threads
// As many threads as its argument says: all live at once, wait for each other, then each adds up its share of the numbers to 1600.
#include "weft.h"

#define MOST 64
#define NUMBERS 1600

static struct mutex lock;
static _Atomic uint32_t arrived;
static uint32_t expected, total;
static _Thread_local uint32_t own = 0;

static void *add_share(void *argument) {
  uint32_t first = (uint32_t)argument;
  arrived++;
  word_wake_all(&arrived);
  for (uint32_t seen; (seen = arrived) < expected;) word_wait(&arrived, seen, FOREVER);
  for (uint32_t number = first + 1; number <= NUMBERS; number += expected) own += number;
  mutex_lock(&lock);
  total += own;
  mutex_unlock(&lock);
  return &own;
}

int main(int argc, char **argv) {
  struct thread *threads[MOST];
  expected = argc > 1 ? (uint32_t)text_number(argv[1]) : 4;
  CHECK(expected <= MOST);
  for (uint32_t index = 0; index < expected; index++) threads[index] = thread_start(add_share, (void *)index);
  for (uint32_t index = 0; index < expected; index++) CHECK(thread_result(threads[index]) != &own);
  print("%d threads: sum %u\n", expected, total);
  return total == NUMBERS * (NUMBERS + 1) / 2 ? 0 : 1;
}
