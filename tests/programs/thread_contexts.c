// guest: threads
// Contexts: several stacks in one thread. thread_contexts CASE
#include "contexts.h"

#define MOST 2000

static __thread uint32_t steps;

static void count_for_ever(void) {
  for (;;) {
    steps++;
    CHECK_OK(wasix_context_switch(back));
  }
}

static void test_switches(void) {
  uint64_t other = make_context();
  CHECK(other == 1);
  steps = 0;
  begin_context(other, count_for_ever);
  for (uint32_t round = 1; round < 20000; round++) {
    CHECK(steps == round);
    CHECK_OK(wasix_context_switch(other));
  }
  CHECK(steps == 20000);
  CHECK_OK(wasix_context_destroy(other));
}

// Numbers of every type, and the stack's memory, are as they were.
static void keep_locals(void) {
  volatile uint32_t on_stack[4] = {steps, steps + 1, steps + 2, steps + 3};
  uint32_t number = ++steps;
  uint64_t wide = (uint64_t)number << 40 | 5;
  float narrow = (float)number + 0.25f;
  double real = (double)number * 1.5;
  for (;;) {
    CHECK_OK(wasix_context_switch(back));
    CHECK(wide == ((uint64_t)number << 40 | 5) && narrow == (float)number + 0.25f && real == number * 1.5);
    for (uint32_t index = 0; index < 4; index++) CHECK(on_stack[index] == number - 1 + index);
  }
}

static void test_locals(void) {
  uint64_t ids[20];
  steps = 0;
  for (uint32_t index = 0; index < 20; index++) begin_context(ids[index] = make_context(), keep_locals);
  for (uint32_t round = 0; round < 300; round++) CHECK_OK(wasix_context_switch(ids[round * 7 % 20]));
}

// Contexts that begin further down on the stack of the one that switches to them: what lies there outlives switches to others.
static uint64_t lower, upper;

static void stay_below(void) {
  volatile uint32_t numbers[200];
  for (uint32_t index = 0; index < 200; index++) numbers[index] = index * 3;
  begin_context(upper, count_for_ever);
  for (uint32_t round = 0; round < 5; round++) CHECK_OK(wasix_context_switch(upper));
  for (uint32_t index = 0; index < 200; index++) CHECK(numbers[index] == index * 3);
  CHECK_OK(wasix_context_switch(0));
}

static void test_below(void) {
  CHECK_OK(wasix_context_create(&lower, (uint32_t)(uintptr_t)stay_below));
  upper = make_context();
  back = lower;
  CHECK_OK(wasix_context_switch(lower));
  CHECK(steps == 6);
}

static uint64_t chain[MOST];
static uint32_t depth;

// Each context begins the next; the last goes back through all of them.
static void go_deeper(void) {
  uint32_t place = depth++;
  if (depth < MOST) begin_context(chain[depth], go_deeper);
  steps++;
  CHECK_OK(wasix_context_switch(place == 0 ? 0 : chain[place - 1]));
}

static void test_chain(void) {
  for (uint32_t index = 0; index < MOST; index++) chain[index] = make_context();
  begin_context(chain[0], go_deeper);
  CHECK(depth == MOST && steps == MOST);
}

static void test_errors(void) {
  uint64_t id = 77;
  CHECK_OK(wasix_context_switch(0));
  CHECK(wasix_context_switch(1) == WASI_EINVAL);
  CHECK(wasix_context_switch(UINT64_MAX) == WASI_EINVAL);
  CHECK(wasix_context_create(&id, 1000000) == WASI_EINVAL);
  CHECK(wasix_context_create(&id, 0) == WASI_EINVAL);
  CHECK(id == 77);
  CHECK(wasix_context_create((uint64_t *)-4, (uint32_t)(uintptr_t)enter_context) != 0);
  CHECK(wasix_context_destroy(0) == WASI_EINVAL);
  CHECK_OK(wasix_context_destroy(12345));
  id = make_context();
  CHECK_OK(wasix_context_destroy(id));
  CHECK_OK(wasix_context_destroy(id));
  CHECK(wasix_context_switch(id) == WASI_EINVAL);
  uint64_t next = make_context();
  CHECK(next == id + 1);
}

static void destroy_itself(void) {
  CHECK(wasix_context_destroy(back + 1) == WASI_EINVAL);
  CHECK_OK(wasix_context_switch(back));
  CHECK(false);
}

static void test_destroyed(void) {
  uint64_t id = make_context();
  begin_context(id, destroy_itself);
  CHECK_OK(wasix_context_destroy(id));
  CHECK(wasix_context_switch(id) == WASI_EINVAL);
  for (uint32_t round = 0; round < 5000; round++) {
    id = make_context();
    CHECK_OK(wasix_context_destroy(id));
  }
}

static struct mutex mutex;
static _Atomic uint32_t word;
static _Atomic uint32_t awake;

// Sleeps, reads and takes locks that other threads hold: the whole thread waits.
static void wait_in_context(void) {
  wasix_thread_sleep(2000000);
  mutex_lock(&mutex);
  mutex_unlock(&mutex);
  while (word == 0) word_wait(&word, 0, FOREVER);
  steps++;
  CHECK_OK(wasix_context_switch(back));
  CHECK(false);
}

static void *wait_on_thread(void *argument) {
  uint64_t id = make_context();
  CHECK(id == 1);
  awake++;
  begin_context(id, wait_in_context);
  CHECK(steps == 1);
  return argument;
}

static void test_waits(void) {
  struct thread *threads[12];
  mutex_lock(&mutex);
  for (uint32_t index = 0; index < 12; index++) threads[index] = thread_start(wait_on_thread, NULL);
  while (awake < 12) wasix_thread_sleep(1000000);
  mutex_unlock(&mutex);
  wasix_thread_sleep(3000000);
  word = 1;
  word_wake_all(&word);
  for (uint32_t index = 0; index < 12; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
}

static int32_t reader = -1, writer = -1;
static _Atomic uint32_t handled;
// Where a handler switches to, if anywhere, and what it gets.
static uint64_t from_handler;
static int32_t switched = -1;
static _Atomic int32_t waiting;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  CHECK(signal == 10);
  if (from_handler != 0) switched = wasix_context_switch(from_handler);
  handled++;
}

// A signal's handler switches to a context, which switches back. Prints what the switch answers in the handler.
static void test_handler(void) {
  wasix_callback_signal("take_signal", 11);
  steps = 0;
  uint64_t id = make_context();
  begin_context(id, count_for_ever);
  from_handler = id;
  CHECK_OK(wasix_thread_signal(1073741823, 10));
  while (!handled) now_nanoseconds();
  from_handler = 0;
  CHECK(steps == (switched == WASI_SUCCESS ? 2 : 1));
  CHECK_OK(wasix_context_switch(id));
  print("%d\n", switched);
}

// A call that waits in a context: for bytes of another thread, and for a signal. The context reads on after each.
static void read_in_context(void) {
  for (uint8_t expected = 1;; expected++) {
    uint8_t byte = 0;
    const struct wasi_iovec piece = {&byte, 1};
    uint32_t count = 0;
    int32_t error;
    while ((error = wasi_fd_read(reader, &piece, 1, &count)) == WASI_EINTR) continue;
    CHECK_OK(error);
    CHECK(count == 1 && byte == expected);
    steps++;
    CHECK_OK(wasix_context_switch(back));
  }
}

static void *call_from_contexts(void *argument) {
  int32_t tid = 0;
  CHECK_OK(wasix_thread_id(&tid));
  wasix_callback_signal("take_signal", 11);
  uint64_t id = make_context();
  waiting = tid;
  begin_context(id, read_in_context);
  for (uint32_t round = 1; round < 20; round++) {
    CHECK(steps == round);
    if (round % 5 == 0) {
      // One that is due at a switch.
      uint32_t before = handled;
      CHECK_OK(wasix_thread_signal(tid, 10));
      CHECK_OK(wasix_context_switch(id));
      CHECK(handled > before);
    } else CHECK_OK(wasix_context_switch(id));
  }
  return argument;
}

static void test_calls(void) {
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  struct thread *thread = thread_start(call_from_contexts, NULL);
  while (waiting == 0) wasix_thread_sleep(1000000);
  for (uint8_t byte = 1; byte <= 20; byte++) {
    if (byte % 3 == 0) CHECK_OK(wasix_thread_signal(waiting, 10));
    if (byte % 4 == 0) wasix_thread_sleep(15000000);
    CHECK_OK(write_bytes(writer, &byte, 1));
  }
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(handled > 0);
}

static void *signal_main(void *argument) {
  CHECK_OK(wasix_thread_signal(1073741823, 10));
  return argument;
}

// A thread that does nothing but read the clock gets its signal.
static void test_clock(void) {
  wasix_callback_signal("take_signal", 11);
  thread_start(signal_main, NULL);
  while (!handled) now_nanoseconds();
}

static void sleep_for_ever(void) {
  awake++;
  word_wait(&word, 0, FOREVER);
}

static void *sleep_on_thread(void *argument) {
  begin_context(make_context(), sleep_for_ever);
  return argument;
}

// The process ends while threads sleep in contexts.
static void test_asleep(void) {
  for (uint32_t index = 0; index < 12; index++) thread_start(sleep_on_thread, NULL);
  while (awake < 12) wasix_thread_sleep(1000000);
  wasix_thread_sleep(20000000);
}

static void *switch_for_ever(void *argument) {
  uint64_t id = make_context();
  begin_context(id, count_for_ever);
  print("ready\n");
  for (;;) CHECK_OK(wasix_context_switch(id));
  return argument;
}

static void just_return(void) {}

static void trap(void) { __builtin_trap(); }

static void leave_process(void) { wasi_proc_exit(7); }

static void leave_thread(void) { wasix_thread_exit(0); }

static void *leave_from_context(void *argument) {
  begin_context(make_context(), leave_thread);
  CHECK(false);
  return argument;
}

static void test_leaving(void) {
  CHECK_OK(wasix_thread_join(thread_start(leave_from_context, NULL)->tid));
}

static void *return_on_thread(void *argument) {
  begin_context(make_context(), just_return);
  return argument;
}

static void wait_for_ever(void) { word_wait(&word, 0, FOREVER); }

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (text_equal(argv[1], "supported")) {
    uint64_t id;
    print("%d %d %d\n", wasix_context_create(&id, (uint32_t)(uintptr_t)enter_context), wasix_context_switch(5), wasix_context_destroy(5));
    return 0;
  }
  if (text_equal(argv[1], "switches")) test_switches();
  else if (text_equal(argv[1], "chain")) test_chain();
  else if (text_equal(argv[1], "errors")) test_errors();
  else if (text_equal(argv[1], "destroyed")) test_destroyed();
  else if (text_equal(argv[1], "locals")) test_locals();
  else if (text_equal(argv[1], "below")) test_below();
  else if (text_equal(argv[1], "calls")) test_calls();
  else if (text_equal(argv[1], "clock")) test_clock();
  else if (text_equal(argv[1], "handler")) test_handler();
  else if (text_equal(argv[1], "asleep")) test_asleep();
  else if (text_equal(argv[1], "waits")) test_waits();
  else if (text_equal(argv[1], "leaving")) test_leaving();
  else if (text_equal(argv[1], "return")) begin_context(make_context(), just_return);
  else if (text_equal(argv[1], "return-thread")) wasix_thread_join(thread_start(return_on_thread, NULL)->tid);
  else if (text_equal(argv[1], "trap")) begin_context(make_context(), trap);
  else if (text_equal(argv[1], "exit")) begin_context(make_context(), leave_process);
  else if (text_equal(argv[1], "busy")) {
    thread_start(switch_for_ever, NULL);
    switch_for_ever(NULL);
  }
  else if (text_equal(argv[1], "hang")) begin_context(make_context(), wait_for_ever);
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
