// N threads alive at once, all blocked on one word, then released: time from the first spawn until
// the last one runs, and from the release until all are joined. Nothing is warmed up.
#include "kit.h"

#define MOST 20000

#define STACK_SIZE 4096

static thread threads[MOST];
static word running, all_running, released;
static u32 count;

static void body(thread *self) {
  (void)self;
  if ((u32)atomic_fetch_add(&running, 1) + 1 == count) {
    atomic_store(&all_running, 1);
    wake_word(&all_running);
  }
  while (!atomic_load(&released)) wait_word(&released, 0);
}

MAIN {
  count = argument(1, 64);
  if (count < 1 || count > MOST) fail("the count must be 1 to 20000");
  u8 *stacks = reserve(count * STACK_SIZE);
  i64 before = now();
  for (u32 i = 0; i < count; i++)
    if (!start(&threads[i], stacks + i * STACK_SIZE, STACK_SIZE, body, i)) {
      report("spawned", i, "threads");
      fail("a thread could not be spawned");
    }
  while (!atomic_load(&all_running)) wait_word(&all_running, 0);
  i64 up = now();
  atomic_store(&released, 1);
  wake_word(&released);
  for (u32 i = 0; i < count; i++) join(&threads[i]);
  i64 joined = now();
  report("all_up", up - before, "ns");
  report("release_join", joined - up, "ns");
}
