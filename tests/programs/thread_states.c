// guest: threads
// Brings a thread into a state that it does not leave by itself, and says "ready" when it is there or about to be.
//
// thread_states STATE THREADS [END]: main with THREADS 0 goes into the state itself; otherwise that many threads do, and main waits for a line of standard
// input if END is given, and in the same state if not. END is how main ends then: a number is an exit code, "return", "leave" (thread_exit), "trap", "thread"
// (another thread calls proc_exit with 42).
#include "weft.h"

static _Atomic uint32_t ready;
static _Atomic uint32_t never;
static _Atomic uint32_t handler_runs;
static int32_t pipe_reader = -1, pipe_writer = -1;

static void compute(void) {
  for (volatile uint32_t number = 0;; number++) continue;
}

static void read_fd(int32_t fd) {
  uint8_t byte;
  const struct wasi_iovec piece = {&byte, 1};
  uint32_t count;
  for (;;) wasi_fd_read(fd, &piece, 1, &count);
}

// Fills the pipe, then waits for room.
static void write_pipe(void) {
  for (;;) write_bytes(pipe_writer, &ready, 4);
}

static void read_clock(void) {
  for (;;) now_nanoseconds();
}

static void poll(void) {
  const struct wasi_subscription wanted[2] = {
      {.userdata = 1, .u = {.tag = WASI_EVENTTYPE_FD_READ, .u.fd_read = {pipe_reader}}},
      {.userdata = 2, .u = {.tag = WASI_EVENTTYPE_CLOCK, .u.clock = {.id = WASI_CLOCKID_MONOTONIC, .timeout = 1000000000000}}},
  };
  struct wasi_event events[2];
  uint32_t count;
  for (;;) wasi_poll_oneoff(wanted, events, 2, &count);
}

static void *nothing(void *argument) { return argument; }

// Makes threads as fast as they go away, without any end.
static void storm(void) {
  struct thread *thread = allocate(sizeof *thread);
  void *stack = allocate(WEFT_STACK_SIZE);
  for (;;) {
    if (thread_start_on(thread, stack, WEFT_STACK_SIZE, nothing, NULL) == WASI_SUCCESS)
      wasix_thread_join(thread->tid);
  }
}

static void *handler_state(void *argument) {
  word_wait(&never, 0, FOREVER);
  return argument;
}

__attribute__((export_name("never_return"))) void never_return(int32_t signal) {
  (void)signal;
  handler_runs++;
  compute();
}

// In a signal handler that computes for ever.
static void handle(void) {
  wasix_callback_signal("never_return", 12);
  int32_t tid;
  CHECK_OK(wasix_thread_id(&tid));
  CHECK_OK(wasix_thread_signal(tid, WASI_SIGNAL_USR1));
}

struct waiter {
  bool reads;
  _Atomic bool registered;
};

static void *wait_with_handler(void *argument) {
  struct waiter *waiter = argument;
  wasix_callback_signal("never_return", 12);
  waiter->registered = true;
  if (waiter->reads) read_fd(pipe_reader);
  word_wait(&never, 0, FOREVER);
  return argument;
}

// Another thread gets the signal while it waits, and its handler never returns.
static void handle_in_wait(bool reads) {
  struct waiter *waiter = allocate(sizeof *waiter);
  waiter->reads = reads;
  struct thread *thread = thread_start(wait_with_handler, waiter);
  while (!waiter->registered) CHECK_OK(wasix_thread_sleep(500000));
  CHECK_OK(wasix_thread_sleep(3000000));
  CHECK_OK(wasix_thread_signal(thread->tid, WASI_SIGNAL_USR1));
  word_wait(&never, 0, FOREVER);
}

static void enter(const char *state) {
  ready++;
  if (text_equal(state, "compute")) compute();
  else if (text_equal(state, "futex")) word_wait(&never, 0, FOREVER);
  else if (text_equal(state, "atomic")) __builtin_wasm_memory_atomic_wait32((int32_t *)&never, 0, -1);
  else if (text_equal(state, "stdin")) read_fd(0);
  else if (text_equal(state, "pipe")) read_fd(pipe_reader);
  else if (text_equal(state, "full")) write_pipe();
  else if (text_equal(state, "sleep")) wasix_thread_sleep(1000000000000);
  else if (text_equal(state, "clock")) read_clock();
  else if (text_equal(state, "yield")) for (;;) wasi_sched_yield();
  else if (text_equal(state, "poll")) poll();
  else if (text_equal(state, "storm")) storm();
  else if (text_equal(state, "join")) wasix_thread_join(thread_start(handler_state, NULL)->tid);
  else if (text_equal(state, "handler")) handle();
  else if (text_equal(state, "handler-futex")) handle_in_wait(false);
  else if (text_equal(state, "handler-read")) handle_in_wait(true);
  else CHECK(false);
  CHECK(false);
}

static void *run_state(void *state) {
  enter(state);
  return NULL;
}

static void *exit_from_here(void *argument) {
  wasi_proc_exit(42);
  return argument;
}

static void end(const char *how) {
  uint8_t byte;
  const struct wasi_iovec piece = {&byte, 1};
  uint32_t count;
  CHECK_OK(wasi_fd_read(0, &piece, 1, &count));
  if (text_equal(how, "leave")) wasix_thread_exit(0);
  if (text_equal(how, "trap")) __builtin_trap();
  if (text_equal(how, "thread")) {
    thread_start(exit_from_here, NULL);
    compute();
  }
  wasi_proc_exit((uint32_t)text_number(how));
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  const char *state = argv[1];
  uint32_t threads = (uint32_t)text_number(argv[2]);
  CHECK_OK(wasix_fd_pipe(&pipe_reader, &pipe_writer));
  for (uint32_t index = 0; index < threads; index++) thread_start(run_state, argv[1]);
  while (ready < threads) wasix_thread_sleep(1000000);
  print("ready\n");
  if (argc > 3) end(argv[3]);
  enter(state);
  return 1;
}
