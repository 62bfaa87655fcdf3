// instrumented: yes
// flags: -Wl,--max-memory=536870912
// Forks: of a small process and of one that has written to 256 MB, each until its child was waited for. The argument is how many of the first.
#include "kit.h"
#include "kit-processes.h"

#define MOST 1000
#define LARGE (256u << 20)
#define LARGE_COUNT 5
#define PAGE 4096

static i64 times[MOST];

static i64 measure_fork(u32 count) {
  for (u32 i = 0; i < count; i++) {
    i64 before = now();
    i32 child = fork_self();
    if (child == 0) leave(3);
    if (wait_child(child) != 3) fail("a child did not end as it should");
    times[i] = now() - before;
  }
  sort(times, count);
  return times[count / 2];
}

MAIN {
  u32 count = argument(1, 100);
  if (count < 1 || count > MOST) fail("the count must be 1 to 1000");
  measure_fork(count / 10 + 1);
  report("fork_wait_p50", measure_fork(count), "ns");
  u8 *bytes = reserve(LARGE);
  for (u32 at = 0; at < LARGE; at += PAGE / 4) *(volatile u8 *)(bytes + at) = (u8)(at >> 12 | 1);
  report("fork_large_p50", measure_fork(LARGE_COUNT), "ns");
}
