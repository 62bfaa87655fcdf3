// Two threads hand a turn back and forth through one word: time for a round trip.
#include "kit.h"

static word turn;
static u32 rounds;
static u8 STACK stacks[2][16384];

static void play(thread *self) {
  i32 me = (i32)self->argument;
  for (u32 i = 0; i < rounds; i++) {
    i32 whose;
    while ((whose = atomic_load(&turn)) != me) wait_word(&turn, whose);
    atomic_store(&turn, !me);
    wake_word(&turn);
  }
}

// One game of `rounds` round trips, in nanoseconds.
static i64 game(void) {
  static thread players[2];
  atomic_store(&turn, 0);
  i64 before = now();
  for (u32 i = 0; i < 2; i++)
    if (!start(&players[i], stacks[i], sizeof stacks[i], play, i))
      fail("a thread could not be spawned");
  for (u32 i = 0; i < 2; i++) join(&players[i]);
  return now() - before;
}

MAIN {
  u32 count = argument(1, 10000);
  if (count < 1) fail("the count must be at least 1");
  rounds = count / 10 + 1;
  game();
  rounds = count;
  report("handover", game() / count, "ns");
}
