// Processes: starting and waiting for one that ends at once, a pipeline of three programs over 100 MB, and a signal to another process and back. The
// program is its own children: the first argument says what to do, the second how much.
#include "kit.h"
#include "kit-processes.h"

enum { MEASURE, END, PRODUCE, COPY, COUNT, ANSWER };

#define MOST 2000
#define MEGABYTES 100
#define PIECE 65536

static i64 times[MOST];
static u8 bytes[PIECE];

static void measure_spawn(u32 count) {
  for (u32 i = 0; i < count + count / 10; i++) {
    i64 before = now();
    wait_child(spawn_self(END, 0, -1, -1));
    times[i % count] = now() - before;
  }
  sort(times, count);
  report("spawn_wait_p50", times[count / 2], "ns");
}

static void produce(u32 megabytes) {
  for (u64 left = (u64)megabytes * 1000000; left > 0;)
    left -= write_end(1, bytes, left < PIECE ? (u32)left : PIECE);
}

static void copy(void) {
  for (u32 size; (size = read_end(0, bytes, PIECE)) > 0;)
    for (u32 done = 0; done < size;) done += write_end(1, bytes + done, size - done);
}

static void count_all(u32 megabytes) {
  u64 total = 0;
  for (u32 size; (size = read_end(0, bytes, PIECE)) > 0;) total += size;
  if (total != (u64)megabytes * 1000000) fail("bytes were lost");
}

static i64 run_pipeline(u32 megabytes) {
  i32 first[2], second[2];
  make_pipe(first);
  make_pipe(second);
  i64 before = now();
  i32 pids[] = {
      spawn_self(PRODUCE, megabytes, -1, first[1]),
      spawn_self(COPY, 0, first[0], second[1]),
      spawn_self(COUNT, megabytes, second[0], -1),
  };
  close_end(first[0]);
  close_end(first[1]);
  close_end(second[0]);
  close_end(second[1]);
  for (int each = 0; each < 3; each++) wait_child(pids[each]);
  return now() - before;
}

// The first, of little, warms the host.
static void measure_pipeline(void) {
  run_pipeline(1);
  report("pipeline", (i64)MEGABYTES * 1000000000 / run_pipeline(MEGABYTES), "MB/s");
}

static word answers;

static void take(int signal) {
  (void)signal;
  atomic_fetch_add(&answers, 1);
  wake_word(&answers);
}

static void answer(int signal) {
  (void)signal;
  send(parent_pid(), USER_SIGNAL);
}

static void wait_for_answer(i32 seen) {
  while (atomic_load(&answers) == seen) wait_word(&answers, seen);
}

static void measure_signal(u32 count) {
  on_signal(take);
  i32 child = spawn_self(ANSWER, 0, -1, -1);
  wait_for_answer(0);
  for (u32 i = 0; i < count; i++) {
    i64 before = now();
    send(child, USER_SIGNAL);
    wait_for_answer((i32)i + 1);
    times[i] = now() - before;
  }
  send(child, KILL_SIGNAL);
  wait_child(child);
  sort(times, count);
  report("signal_p50", times[count / 2], "ns");
}

MAIN {
  u32 number = argument(2, 200);
  switch (argument(1, MEASURE)) {
  case MEASURE:
    if (number < 1 || number > MOST) fail("the count must be 1 to 2000");
    measure_spawn(number);
    measure_pipeline();
    measure_signal(number);
    break;
  case END: break;
  case PRODUCE: produce(number); break;
  case COPY: copy(); break;
  case COUNT: count_all(number); break;
  case ANSWER:
    on_signal(answer);
    send(parent_pid(), USER_SIGNAL);
    for (;;) wait_word(&answers, 0);
  }
}
