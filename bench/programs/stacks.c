// instrumented: yes
// Stacks that are left and come back to: a ring of threads, most of which sleep for long while the turn goes around, and jumps out of a function to where
// its caller was marked. Arguments: threads, times around, jumps.
#include "kit.h"
#include "kit-jumps.h"

#define MOST 1000
#define STACK_SIZE 16384

static thread threads[MOST];
static word turns[MOST];
static u32 count, rounds;

static void play(thread *self) {
  u32 me = self->argument;
  word *mine = &turns[me], *next = &turns[(me + 1) % count];
  for (u32 i = 1; i <= rounds; i++) {
    for (i32 seen; (seen = atomic_load(mine)) != (i32)i;) wait_word(mine, seen);
    atomic_store(next, me + 1 == count ? (i32)i + 1 : (i32)i);
    wake_word(next);
  }
}

// The first time around includes that the threads begin.
static void measure_ring(u8 *stacks) {
  for (u32 i = 0; i < count; i++)
    if (!start(&threads[i], stacks + i * STACK_SIZE, STACK_SIZE, play, i))
      fail("a thread could not be spawned");
  while (atomic_load(&turns[0]) != 1) {
    atomic_store(&turns[0], 1);
    wake_word(&turns[0]);
  }
  while (atomic_load(&turns[0]) < 2) wait_word(&turns[0], 1);
  i64 before = now();
  for (u32 i = 0; i < count; i++) join(&threads[i]);
  report("ring", (now() - before) / ((i64)count * (rounds - 1)), "ns");
}

__attribute__((noinline)) static void leave_for(jump *to, u32 value) { leap(to, value); }

static i64 measure_jumps(u32 jumps) {
  static jump to;
  static volatile u32 done;
  i64 before = now();
  for (done = 0; done < jumps;)
    if (mark(&to) == 0) leave_for(&to, ++done);
  return (now() - before) / jumps;
}

MAIN {
  count = argument(1, 64);
  rounds = argument(2, 20);
  u32 jumps = argument(3, 10000);
  if (count < 2 || count > MOST || rounds < 2 || jumps < 1) fail("two threads, two rounds, a jump at least");
  measure_jumps(jumps / 10 + 1);
  report("set_jump", measure_jumps(jumps), "ns");
  measure_ring(reserve(count * STACK_SIZE));
}
