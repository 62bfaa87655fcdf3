// Spawns and joins one thread after another: how long until its first instruction, and until join
// returns. The first tenth warms the host and is not counted.
#include "kit.h"

#define MOST 20000

static u8 STACK stack[65536];
static i64 to_start[MOST], to_join[MOST];

static void body(thread *self) { (void)self; }

// The smallest step the host's clock was seen to make: figures below it mean little.
static i64 clock_step(void) {
  i64 smallest = 0;
  for (u32 seen = 0; seen < 5; seen++) {
    i64 before = now(), after;
    while ((after = now()) == before);
    if (!smallest || after - before < smallest) smallest = after - before;
  }
  return smallest;
}

MAIN {
  u32 count = argument(1, 1000);
  if (count < 1 || count > MOST) fail("the count must be 1 to 20000");
  u32 warm_up = count / 10 + 1;
  static thread child;
  for (u32 i = 0; i < warm_up + count; i++) {
    i64 before = now();
    if (!start(&child, stack, sizeof stack, body, i)) fail("a thread could not be spawned");
    join(&child);
    i64 after = now();
    if (i < warm_up) continue;
    to_start[i - warm_up] = child.started - before;
    to_join[i - warm_up] = after - before;
  }
  i64 sum_to_start = 0, sum_to_join = 0;
  for (u32 i = 0; i < count; i++) {
    sum_to_start += to_start[i];
    sum_to_join += to_join[i];
  }
  sort(to_start, count);
  sort(to_join, count);
  report("spawn_start_p50", to_start[count / 2], "ns");
  report("spawn_start_p99", to_start[count * 99 / 100], "ns");
  report("spawn_join_p50", to_join[count / 2], "ns");
  report("spawn_join_p99", to_join[count * 99 / 100], "ns");
  report("spawn_start_mean", sum_to_start / count, "ns");
  report("spawn_join_mean", sum_to_join / count, "ns");
  report("clock_step", clock_step(), "ns");
}
