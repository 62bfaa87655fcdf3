// The same CPU-bound work by one thread and by two, in turn: how much faster two are. Each unit of
// work counts the same primes, so the halves are equal.
#include "kit.h"

#define UNITS 16
#define PAIRS 5

static u8 STACK stacks[2][16384];
static word total;

static u32 count_primes(u32 from, u32 to) {
  u32 primes = 0;
  for (u32 candidate = from; candidate < to; candidate++) {
    int prime = 1;
    for (u32 divisor = 2; divisor * divisor <= candidate; divisor++)
      if (candidate % divisor == 0) {
        prime = 0;
        break;
      }
    primes += (u32)prime;
  }
  return primes;
}

// The empty assembly hides that every unit starts at the same number: without it a compiler may do
// the work once and add the result many times.
static void work(thread *self) {
  for (u32 unit = 0; unit < self->argument; unit++) {
    u32 from = 100000;
    __asm__ volatile("" : "+r"(from));
    atomic_fetch_add(&total, (i32)count_primes(from, 200000));
  }
}

// Time for all units, split over one or two threads.
static i64 run(u32 count) {
  static thread workers[2];
  atomic_store(&total, 0);
  i64 before = now();
  for (u32 i = 0; i < count; i++)
    if (!start(&workers[i], stacks[i], sizeof stacks[i], work, UNITS / count))
      fail("a thread could not be spawned");
  for (u32 i = 0; i < count; i++) join(&workers[i]);
  i64 after = now();
  if (atomic_load(&total) != UNITS * 8392) fail("the count of primes is wrong");
  return after - before;
}

MAIN {
  static i64 one[PAIRS], two[PAIRS], percent[PAIRS];
  run(2);
  for (u32 pair = 0; pair < PAIRS; pair++) {
    one[pair] = run(1);
    two[pair] = run(2);
    percent[pair] = one[pair] * 100 / two[pair];
  }
  sort(one, PAIRS);
  sort(two, PAIRS);
  sort(percent, PAIRS);
  report("compute_one", one[PAIRS / 2], "ns");
  report("compute_two", two[PAIRS / 2], "ns");
  report("compute_speedup", percent[PAIRS / 2], "percent");
}
