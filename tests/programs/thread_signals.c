// guest: threads
// Signals between threads: delivery at calls and in waits, blocking, handlers that call and wait themselves, and their ends. The argument names the case.
#include "weft.h"

#define MAIN_THREAD 1073741823

static _Atomic uint32_t word;
static _Atomic uint32_t handled;
static _Atomic uint32_t last_signal;
static _Atomic int32_t handled_by;
static __thread volatile uint32_t own_handled;
static _Atomic uint32_t arrived;
static _Atomic uint32_t inner;
static int32_t reader = -1, writer = -1;
static const char *handler_does = "";

static int32_t own_id(void) {
  int32_t tid = 0;
  CHECK_OK(wasix_thread_id(&tid));
  return tid;
}

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  last_signal = (uint32_t)signal;
  handled_by = own_id();
  own_handled++;
  handled++;
  if (text_equal(handler_does, "wait")) {
    // A wait inside a wait: of a time, and of a wake.
    CHECK(!word_wait(&inner, 0, 2000000));
    while (!inner) word_wait(&inner, 0, FOREVER);
    uint8_t byte;
    const struct wasi_iovec piece = {&byte, 1};
    uint32_t count;
    CHECK_OK(wasi_fd_read(reader, &piece, 1, &count));
    CHECK(count == 1 && byte == 'h');
  } else if (text_equal(handler_does, "leave")) wasix_thread_exit(0);
  else if (text_equal(handler_does, "exit")) wasi_proc_exit(33);
  else if (text_equal(handler_does, "trap")) __builtin_trap();
}

static void receive(void) { wasix_callback_signal("take_signal", 11); }

static void send(int32_t tid, uint8_t signal) { CHECK_OK(wasix_thread_signal(tid, signal)); }

static void settle(void) { CHECK_OK(wasix_thread_sleep(4000000)); }

static void *wait_on_word(void *argument) {
  receive();
  arrived++;
  while (!word) word_wait(&word, 0, FOREVER);
  return argument;
}

static void *read_pipe(void *argument) {
  receive();
  uint8_t byte = 0;
  const struct wasi_iovec piece = {&byte, 1};
  uint32_t count = 0;
  arrived++;
  int32_t error = wasi_fd_read(reader, &piece, 1, &count);
  // The handler has run before the call came back.
  CHECK_ERRNO(WASI_EINTR, error);
  CHECK(handled == 1);
  CHECK_OK(wasi_fd_read(reader, &piece, 1, &count));
  CHECK(byte == 'x');
  return argument;
}

static void *sleep_through(void *argument) {
  receive();
  uint64_t before = now_nanoseconds();
  arrived++;
  CHECK_OK(wasix_thread_sleep(30000000));
  CHECK(now_nanoseconds() - before >= 30000000);
  return argument;
}

static void *join_through(void *tid) {
  receive();
  arrived++;
  CHECK_OK(wasix_thread_join((int32_t)tid));
  CHECK(word);
  return NULL;
}

static struct thread *start_waiting(void *(*run)(void *), void *argument) {
  uint32_t before = arrived;
  struct thread *thread = thread_start(run, argument);
  while (arrived == before) CHECK_OK(wasix_thread_sleep(200000));
  settle();
  return thread;
}

static void release(void) {
  word = 1;
  word_wake_all(&word);
}

static void await_handled(uint32_t count) {
  while (handled < count) CHECK_OK(wasix_thread_sleep(200000));
}

static _Atomic uint32_t seen;

// Handlers run during a call that only reads the clock, not somewhere else.
static void *only_read_the_clock(void *argument) {
  receive();
  arrived++;
  for (;;) {
    uint32_t before = own_handled;
    uint64_t now = 0;
    wasi_clock_time_get(WASI_CLOCKID_MONOTONIC, 0, &now);
    if (own_handled != before) break;
  }
  seen++;
  return argument;
}

// More threads than have workers of their own, where threads share them.
static void in_clock(void) {
  enum { COUNT = 8 };
  struct thread *threads[COUNT];
  for (uint32_t index = 0; index < COUNT; index++) threads[index] = thread_start(only_read_the_clock, NULL);
  while (arrived < COUNT) CHECK_OK(wasix_thread_sleep(200000));
  for (uint32_t round = 0; seen < COUNT; round++) {
    CHECK(round < 2000);
    for (uint32_t index = 0; index < COUNT; index++) send(threads[index]->tid, WASI_SIGNAL_USR1);
    CHECK_OK(wasix_thread_sleep(1000000));
  }
  for (uint32_t index = 0; index < COUNT; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
}

// A futex wait handles signals and goes on; it still gets its wake.
static void in_futex(void) {
  struct thread *thread = start_waiting(wait_on_word, NULL);
  for (uint32_t count = 1; count <= 5; count++) {
    send(thread->tid, WASI_SIGNAL_USR1);
    await_handled(count);
    CHECK(last_signal == WASI_SIGNAL_USR1 && handled_by == thread->tid);
    settle();
    CHECK(!thread->ended);
  }
  release();
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(thread->ended);
}

static void in_read(void) {
  struct thread *thread = start_waiting(read_pipe, NULL);
  send(thread->tid, WASI_SIGNAL_USR2);
  await_handled(1);
  settle();
  CHECK_OK(write_bytes(writer, "x", 1));
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(thread->ended);
}

static void in_sleep(void) {
  struct thread *thread = start_waiting(sleep_through, NULL);
  send(thread->tid, WASI_SIGNAL_USR1);
  await_handled(1);
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(thread->ended);
}

static void in_join(void) {
  struct thread *target = start_waiting(wait_on_word, NULL);
  struct thread *joiner = start_waiting(join_through, (void *)target->tid);
  send(joiner->tid, WASI_SIGNAL_USR1);
  await_handled(1);
  settle();
  CHECK(!joiner->ended);
  release();
  CHECK_OK(wasix_thread_join(joiner->tid));
  CHECK(joiner->ended);
}

// While the name has no export, signals wait; the same signal twice counts once.
static void blocked(void) {
  receive();
  wasix_callback_signal("take_signal_blocked", 19);
  send(own_id(), WASI_SIGNAL_USR1);
  send(own_id(), WASI_SIGNAL_USR1);
  send(own_id(), WASI_SIGNAL_USR2);
  CHECK_OK(wasix_thread_sleep(2000000));
  CHECK(handled == 0);
  CHECK(!word_wait(&word, 0, 2000000));
  CHECK(handled == 0);
  receive();
  CHECK(handled == 2);
}

static void *signal_main(void *argument) {
  CHECK_OK(wasix_thread_signal(MAIN_THREAD, WASI_SIGNAL_HUP));
  return argument;
}

static void to_whom(void) {
  receive();
  int32_t own = own_id();
  struct thread *thread = thread_start(signal_main, NULL);
  await_handled(1);
  CHECK(handled_by == own && last_signal == WASI_SIGNAL_HUP);
  CHECK_OK(wasix_thread_join(thread->tid));
  // One that has ended, one that never was, none, and no signal.
  send(thread->tid, WASI_SIGNAL_USR1);
  send(987654, WASI_SIGNAL_USR1);
  send(own, 0);
  CHECK(handled == 1);
  CHECK_ERRNO(WASI_EINVAL, wasix_thread_signal(own, 32));
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR2));
  CHECK(handled == 2);
}

// The handler waits on another word and reads a pipe while the thread stands in line for a word.
static void nested(void) {
  handler_does = "wait";
  struct thread *thread = start_waiting(wait_on_word, NULL);
  send(thread->tid, WASI_SIGNAL_USR1);
  await_handled(1);
  settle();
  // A wake for the outer wait while the handler is in the inner one: it is not lost.
  release();
  settle();
  CHECK(!thread->ended);
  inner = 1;
  word_wake_all(&inner);
  settle();
  CHECK(!thread->ended);
  CHECK_OK(write_bytes(writer, "h", 1));
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(thread->ended);
}

// The handler ends the thread, the process, or traps, each in the middle of a wait.
static void ends(const char *how) {
  handler_does = how;
  struct thread *thread = start_waiting(wait_on_word, NULL);
  send(thread->tid, WASI_SIGNAL_USR1);
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(!thread->ended);
  if (!text_equal(how, "leave")) CHECK_OK(wasix_thread_sleep(1000000000000));
}

// A program that has registered nothing, on no thread: what is ignored by default is ignored, also in a wait; SIGTERM ends it.
static void defaults(void) {
  send(own_id(), WASI_SIGNAL_CHLD);
  send(own_id(), WASI_SIGNAL_CONT);
  CHECK(!word_wait(&word, 0, 1000000));
  print("still here\n");
  send(own_id(), WASI_SIGNAL_TERM);
  CHECK(false);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  const char *name = argv[1];
  if (text_equal(name, "futex")) in_futex();
  else if (text_equal(name, "clock")) in_clock();
  else if (text_equal(name, "read")) in_read();
  else if (text_equal(name, "sleep")) in_sleep();
  else if (text_equal(name, "join")) in_join();
  else if (text_equal(name, "blocked")) blocked();
  else if (text_equal(name, "whom")) to_whom();
  else if (text_equal(name, "nested")) nested();
  else if (text_equal(name, "defaults")) defaults();
  else ends(name);
  print("%s: done\n", name);
  return 0;
}
