// Two threads hand a turn back and forth through one word: time for a round trip. The second argument is how many others are blocked meanwhile.
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

static word gate;

static void stay(thread *self) {
  (void)self;
  while (!atomic_load(&gate)) wait_word(&gate, 0);
}

// Makes threads that wait until the gate is opened.
static thread *crowd(u32 count) {
  thread *all = (thread *)reserve(count * sizeof *all);
  u8 *crowded = reserve(count * 16384);
  for (u32 i = 0; i < count; i++)
    if (!start(&all[i], crowded + i * 16384, 16384, stay, i)) fail("a thread could not be spawned");
  return all;
}

MAIN {
  u32 count = argument(1, 10000);
  if (count < 1) fail("the count must be at least 1");
  u32 others = argument(2, 0);
  thread *all = others == 0 ? NULL : crowd(others);
  rounds = count / 10 + 1;
  game();
  rounds = count;
  report("handover", game() / count, "ns");
  atomic_store(&gate, 1);
  wake_word(&gate);
  for (u32 i = 0; i < others; i++) join(&all[i]);
}
