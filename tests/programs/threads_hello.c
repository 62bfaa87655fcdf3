// guest: threads
// Four threads add up a quarter of the numbers from 1 to 1000 each; the main thread joins them and prints the sum.
#include "weft.h"

#define THREADS 4
#define NUMBERS 1000

static struct mutex lock;
static uint32_t total;
// Every thread has its own: were it shared, the sum would be wrong.
static _Thread_local uint32_t own = 0;

static void *add_quarter(void *argument) {
  uint32_t quarter = (uint32_t)argument;
  for (uint32_t number = quarter + 1; number <= NUMBERS; number += THREADS) own += number;
  mutex_lock(&lock);
  total += own;
  mutex_unlock(&lock);
  return &own;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread *threads[THREADS];
  for (uint32_t index = 0; index < THREADS; index++) threads[index] = thread_start(add_quarter, (void *)index);
  for (uint32_t index = 0; index < THREADS; index++) CHECK(thread_result(threads[index]) != &own);
  print("%d threads: sum %u\n", THREADS, total);
  return total == NUMBERS * (NUMBERS + 1) / 2 ? 0 : 1;
}
