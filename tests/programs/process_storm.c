// guest: threads
// Many processes: one after the other, at once, and up to the limit. The argument names the case, the next how many.
#include "children.h"

static void check_all_gone(void) {
  struct end end;
  CHECK_ERRNO(WASI_ECHILD, join_child(0, 0, &end));
}

// Prints the microseconds of each, for people.
static void test_sequence(uint32_t count) {
  uint64_t start = now_nanoseconds();
  for (uint32_t each = 0; each < count; each++) expect_exit(spawn_self("self\nexit\n3"), 3);
  print("%lu\n", (now_nanoseconds() - start) / 1000 / count);
  check_all_gone();
}

static void test_at_once(uint32_t count) {
  int32_t *pids = allocate(count * sizeof *pids);
  CHECK(pids);
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  const struct wasi_proc_spawn_fd_op operations[] = {
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = reader, .fd = 0},
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_CLOSE, .fd = writer},
  };
  for (uint32_t each = 0; each < count; each++) pids[each] = spawn_with(SELF, "self\nwait", operations, 2);
  // All of them wait for the end of this.
  CHECK_OK(wasi_fd_close(writer));
  uint32_t sum = 0;
  for (uint32_t each = 0; each < count; each++) {
    struct end end;
    CHECK_OK(join_child(0, 0, &end));
    CHECK(!end.is_signal);
    sum += end.code;
  }
  CHECK(sum == count * 5);
  check_all_gone();
}

// Children that are never asked for are zombies, which count as well.
static void test_limit(uint32_t most) {
  uint32_t made = 0;
  int32_t pid, error;
  while ((error = wasix_proc_spawn2(SELF, 9, "self\nexit\n0", 11, NULL, 0, NULL, 0, NULL, 0, 0, NO_PATH, 0, &pid)) == WASI_SUCCESS) made++;
  CHECK(error == WASI_EAGAIN);
  CHECK(made == most - 1);
  for (uint32_t each = 0; each < made; each++) {
    struct end end;
    CHECK_OK(join_child(0, 0, &end));
  }
  check_all_gone();
  expect_exit(spawn_self("self\nexit\n4"), 4);
}

// Each starts two, down to some depth: a tree that ends from its leaves.
static uint32_t grow_tree(uint32_t depth) {
  if (depth == 0) return 1;
  struct line lines = {.length = 0};
  for (const char *start = "self\ntree\n"; *start; start++) line_add(&lines, *start);
  line_add_number(&lines, depth - 1, 10);
  line_add(&lines, 0);
  int32_t pids[2];
  for (int each = 0; each < 2; each++) pids[each] = spawn_self(lines.text);
  uint32_t sum = 0;
  for (int each = 0; each < 2; each++) {
    struct end end;
    CHECK_OK(join_child(pids[each], 0, &end));
    sum += end.code;
  }
  return sum;
}

// Threads of one process start, signal, kill and join children at random.
static uint32_t seed;

static void *play(void *argument) {
  uint32_t state = seed * 2654435761u + (uint32_t)(uintptr_t)argument;
  for (int each = 0; each < 8; each++) {
    state = state * 1664525 + 1013904223;
    uint32_t choice = state >> 28;
    int32_t pid = spawn_self(choice & 1 ? "self\nforever" : choice & 2 ? "self\ncompute" : "self\nexit\n3");
    if (choice & 4) CHECK_OK(wasix_thread_sleep((state >> 8 & 7) * 1000000));
    if (choice & 3) {
      uint32_t signal = choice & 8 ? WASI_SIGNAL_KILL : WASI_SIGNAL_TERM;
      CHECK_OK(wasix_proc_signal(pid, signal));
      expect_signal(pid, signal);
    } else expect_exit(pid, 3);
  }
  return NULL;
}

static void test_play(uint32_t number) {
  seed = number;
  struct thread *threads[3];
  for (int each = 0; each < 3; each++) threads[each] = thread_start(play, (void *)(uintptr_t)each);
  for (int each = 0; each < 3; each++) thread_result(threads[each]);
  check_all_gone();
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  const char *what = argv[1];
  uint32_t number = argc > 2 ? (uint32_t)text_number(argv[2]) : 0;
  if (text_equal(what, "sequence")) test_sequence(number);
  else if (text_equal(what, "at-once")) test_at_once(number);
  else if (text_equal(what, "limit")) test_limit(number);
  else if (text_equal(what, "tree")) return (int)grow_tree(number);
  else if (text_equal(what, "play")) test_play(number);
  else if (text_equal(what, "exit")) return (int)number;
  else if (text_equal(what, "wait")) {
    char byte;
    CHECK(read_all(0, &byte, 1) == 0);
    return 5;
  } else if (text_equal(what, "forever")) {
    static _Atomic uint32_t never;
    for (;;) word_wait(&never, 0, FOREVER);
  } else if (text_equal(what, "compute")) for (volatile int forever = 0;;) forever++;
  else return 2;
  return 0;
}
