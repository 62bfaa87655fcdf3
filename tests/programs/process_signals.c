// guest: threads
// Signals between processes and from timers, and processes that are stopped. The argument names the case; the rest are what a child of a case does.
#include "children.h"

static _Atomic uint32_t counts[32];
static _Atomic uint32_t never;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  counts[signal & 31]++;
}

// What a C library does by default with a signal that stops: it ends the program by SIGABRT, with signals blocked.
__attribute__((export_name("take_default"))) void take_default(int32_t signal) {
  counts[signal & 31]++;
  if (signal != WASI_SIGNAL_TSTP) return;
  wasix_callback_signal("blocked", 7);
  int32_t tid;
  CHECK_OK(wasix_thread_id(&tid));
  wasix_thread_signal(tid, WASI_SIGNAL_ABRT);
  complain("it came back\n");
  wasi_proc_exit(3);
}

// And what it does by default with one that ends the program: it tells of it first.
__attribute__((export_name("take_ending"))) void take_ending(int32_t signal) {
  CHECK(signal == WASI_SIGNAL_TERM);
  wasix_callback_signal("blocked", 7);
  complain("%s", "Program recieved termination signal: Terminated\n");
  complain("it came back\n");
  wasi_proc_exit(3);
}

static void handle(const char *name) { wasix_callback_signal(name, text_length(name)); }

static void settle(uint64_t milliseconds) { CHECK_OK(wasix_thread_sleep(milliseconds * 1000000)); }

static void test_interval(void) {
  handle("take_signal");
  CHECK_ERRNO(WASI_EINVAL, wasix_proc_raise_interval(0, 1000000, 1));
  CHECK_ERRNO(WASI_EINVAL, wasix_proc_raise_interval(99, 1000000, 1));
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_ALRM, 3000000, 1));
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_USR1, 2000000, 0));
  while (counts[WASI_SIGNAL_ALRM] < 5) word_wait(&never, 0, 1000000000);
  CHECK(counts[WASI_SIGNAL_USR1] == 1);
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_ALRM, 0, 1));
  settle(5);
  uint32_t seen = counts[WASI_SIGNAL_ALRM];
  settle(20);
  CHECK(counts[WASI_SIGNAL_ALRM] == seen);
  // One that is left over goes with the process.
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_ALRM, 1000000000000ull, 1));
}

// A timer's signal cuts a read short.
static void test_interrupt(void) {
  handle("take_signal");
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  static char bytes[16];
  const struct wasi_iovec piece = {(uint8_t *)bytes, sizeof bytes};
  uint32_t count = 0;
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_ALRM, 5000000, 0));
  CHECK_ERRNO(WASI_EINTR, wasi_fd_read(reader, &piece, 1, &count));
  CHECK(counts[WASI_SIGNAL_ALRM] == 1);
}

static uint32_t read_byte(int32_t fd) {
  uint8_t byte;
  const struct wasi_iovec piece = {&byte, 1};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_read(fd, &piece, 1, &count));
  return count;
}

static bool has_bytes(int32_t fd, uint64_t milliseconds) {
  struct wasi_subscription wanted[2] = {
      {.userdata = 1, .u = {.tag = WASI_EVENTTYPE_FD_READ, .u.fd_read.file_descriptor = fd}},
      {.userdata = 2, .u = {.tag = WASI_EVENTTYPE_CLOCK, .u.clock = {.id = WASI_CLOCKID_MONOTONIC, .timeout = milliseconds * 1000000}}},
  };
  struct wasi_event events[2];
  uint32_t count;
  CHECK_OK(wasi_poll_oneoff(wanted, events, 2, &count));
  return events[0].userdata == 1;
}

// Takes what is there, until nothing comes any more.
static void drain(int32_t fd) {
  while (has_bytes(fd, 30)) read_byte(fd);
}

// A child that ticks is stopped, does nothing, and goes on.
static void stop_and_continue(const char *lines, uint32_t signal) {
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  const struct wasi_proc_spawn_fd_op output = {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = writer, .fd = 1};
  int32_t pid = spawn_with(SELF, lines, &output, 1);
  CHECK_OK(wasi_fd_close(writer));
  CHECK(read_byte(reader) == 1);
  CHECK_OK(wasix_proc_signal(pid, signal));
  struct wasi_option_pid which = {.tag = WASI_OPTION_SOME, .u.some = pid};
  struct wasi_join_status status;
  CHECK_OK(wasix_proc_join(&which, WASI_JOIN_FLAGS_WAKE_STOPPED, &status));
  CHECK(which.u.some == pid && status.tag == WASI_JOIN_STATUS_TYPE_STOPPED && status.u.stopped == signal);
  // That is told once.
  CHECK_OK(wasix_proc_join(&which, WASI_JOIN_FLAGS_WAKE_STOPPED | WASI_JOIN_FLAGS_NON_BLOCKING, &status));
  CHECK(which.u.some == 0);
  drain(reader);
  CHECK(!has_bytes(reader, 30));
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_CONT));
  CHECK(read_byte(reader) == 1);
  // Stopped again, a signal that it handles waits; one that nothing handles ends it.
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_STOP));
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_KILL));
  expect_signal(pid, WASI_SIGNAL_KILL);
  CHECK_OK(wasi_fd_close(reader));
}

static void test_stop(void) {
  stop_and_continue("self\ntick", WASI_SIGNAL_STOP);
  stop_and_continue("self\ntick", WASI_SIGNAL_TSTP);
  stop_and_continue("self\ntick\nthreads", WASI_SIGNAL_STOP);
  stop_and_continue("self\ntick\ndefault", WASI_SIGNAL_TSTP);
}

static void *tick(void *unused) {
  for (;;) {
    write_bytes(1, ".", 1);
    settle(1);
  }
  return unused;
}

// Signals to all of a session: the children get what this one gets, and then this one alone is left.
static void test_groups(void) {
  handle("take_signal");
  int32_t pids[3];
  for (int each = 0; each < 3; each++) pids[each] = spawn_self("self\nsleep");
  CHECK_ERRNO(WASI_ESRCH, wasix_proc_signal(12345, 0));
  CHECK_OK(wasix_proc_signal(pids[0], 0));
  CHECK_OK(wasix_proc_signal(0, WASI_SIGNAL_USR1));
  for (int each = 0; each < 3; each++) expect_signal(pids[each], WASI_SIGNAL_USR1);
  CHECK(counts[WASI_SIGNAL_USR1] == 1);
  CHECK_ERRNO(WASI_ESRCH, wasix_proc_signal(-1, WASI_SIGNAL_TERM));
  int32_t last = spawn_self("self\nsleep");
  CHECK_OK(wasix_proc_signal(-1, WASI_SIGNAL_TERM));
  expect_signal(last, WASI_SIGNAL_TERM);
  CHECK(counts[WASI_SIGNAL_TERM] == 0);
  // Its own session has its own number, which is no 1 in a machine that ran something before.
  if (own_pid() == 1) return;
  CHECK_OK(wasix_proc_signal(-own_pid(), WASI_SIGNAL_USR2));
  CHECK(counts[WASI_SIGNAL_USR2] == 1);
}

// What computes is ended too.
static void test_compute(void) {
  static const uint32_t signals[] = {WASI_SIGNAL_KILL, WASI_SIGNAL_TERM, WASI_SIGNAL_INT};
  for (int each = 0; each < 3; each++) {
    int32_t reader, writer;
    CHECK_OK(wasix_fd_pipe(&reader, &writer));
    const struct wasi_proc_spawn_fd_op output = {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = writer, .fd = 1};
    int32_t pid = spawn_with(SELF, "self\ncompute", &output, 1);
    CHECK(read_byte(reader) == 1);
    CHECK_OK(wasix_proc_signal(pid, signals[each]));
    expect_signal(pid, signals[each]);
  }
}

// For a terminal: children that wait, and a parent that takes the signal itself.
static void test_terminal(void) {
  handle("take_signal");
  int32_t pid = spawn_self("self\nsleep");
  settle(20);
  print("ready\n");
  expect_signal(pid, WASI_SIGNAL_INT);
  CHECK(counts[WASI_SIGNAL_INT] == 1);
  print("both\n");
}

// Signals from everywhere at everything: four children that handle them, sent at by four threads, then ended.
static uint32_t seed;

static void *send_many(void *argument) {
  int32_t *pids = argument;
  uint32_t state = seed + (uint32_t)own_pid();
  static const uint8_t some[] = {WASI_SIGNAL_USR1, WASI_SIGNAL_USR2, WASI_SIGNAL_STOP, WASI_SIGNAL_CONT,
                                 WASI_SIGNAL_CHLD, WASI_SIGNAL_WINCH, WASI_SIGNAL_TERM, WASI_SIGNAL_CONT};
  for (int each = 0; each < 300; each++) {
    state = state * 1664525 + 1013904223;
    CHECK_OK(wasix_proc_signal(pids[state >> 30], some[state >> 8 & 7]));
    if (each % 64 == 0) settle(1);
  }
  return NULL;
}

static void test_storm(uint32_t number) {
  seed = number;
  handle("take_signal");
  static int32_t pids[4];
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  const struct wasi_proc_spawn_fd_op output = {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = writer, .fd = 1};
  for (int each = 0; each < 4; each++) {
    pids[each] = spawn_with(SELF, "self\nendure", &output, 1);
    CHECK(read_byte(reader) == 1);
  }
  struct thread *threads[4];
  for (int each = 0; each < 4; each++) threads[each] = thread_start(send_many, pids);
  for (int each = 0; each < 4; each++) thread_result(threads[each]);
  for (int each = 0; each < 4; each++) {
    CHECK_OK(wasix_proc_signal(pids[each], WASI_SIGNAL_CONT));
    CHECK_OK(wasix_proc_signal(pids[each], WASI_SIGNAL_KILL));
    expect_signal(pids[each], WASI_SIGNAL_KILL);
  }
}

// A child that ends, by itself or by a signal, is told by SIGCHLD: the parent needs no other call to learn of it.
static void test_child(void) {
  handle("take_signal");
  for (uint32_t round = 1; round <= 3; round++) {
    int32_t pid = spawn_self(round % 2 ? "self\nexit\n7" : "self\nsleep");
    if (round % 2 == 0) CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_TERM));
    while (counts[WASI_SIGNAL_CHLD] < round) word_wait(&never, 0, 1000000000);
    struct end end;
    CHECK_OK(join_child(pid, WASI_JOIN_FLAGS_NON_BLOCKING, &end));
    CHECK(end.pid == pid && end.code == (round % 2 ? 7u : WASI_SIGNAL_TERM));
    CHECK(counts[WASI_SIGNAL_CHLD] == round);
  }
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  const char *what = argv[1];
  if (text_equal(what, "interval")) test_interval();
  else if (text_equal(what, "ending")) {
    handle("take_ending");
    wasi_proc_raise(WASI_SIGNAL_TERM);
  }
  else if (text_equal(what, "interrupt")) test_interrupt();
  else if (text_equal(what, "stop")) test_stop();
  else if (text_equal(what, "groups")) test_groups();
  else if (text_equal(what, "compute-children")) test_compute();
  else if (text_equal(what, "child")) test_child();
  else if (text_equal(what, "terminal")) test_terminal();
  else if (text_equal(what, "storm")) test_storm((uint32_t)text_number(argv[2]));
  else if (text_equal(what, "exit")) return (int)text_number(argv[2]);
  else if (text_equal(what, "sleep")) for (;;) word_wait(&never, 0, FOREVER);
  else if (text_equal(what, "compute")) {
    write_bytes(1, ".", 1);
    for (volatile int forever = 0;;) forever++;
  } else if (text_equal(what, "tick")) {
    if (argc > 2 && text_equal(argv[2], "default")) handle("take_default");
    if (argc > 2 && text_equal(argv[2], "threads")) thread_start(tick, NULL), thread_start(tick, NULL);
    tick(NULL);
  } else if (text_equal(what, "endure")) {
    handle("take_signal");
    write_bytes(1, ".", 1);
    for (;;) word_wait(&never, 0, 1000000);
  } else return 2;
  return 0;
}
