// guest: threads
// Contexts: several stacks in one thread. thread_contexts CASE
#include "weft.h"

#define STACK 8192
#define MOST 2000

__asm__(".globaltype __stack_pointer, i32\n");

// The host gives a context no stack in the memory: its entry takes one.
static inline void use_stack(void *top) {
  __asm__ volatile("local.get %0\n\tglobal.set __stack_pointer" ::"r"(top));
}

static __thread uint64_t back;
static __thread void (*body)(void);
static __thread uint8_t *top;

__attribute__((noinline)) static void enter(void) {
  use_stack(top);
  body();
}

static uint64_t make(void) {
  uint64_t id = 0;
  CHECK_OK(wasix_context_create(&id, (uint32_t)(uintptr_t)enter));
  return id;
}

// Begins a context with a stack of its own.
static void begin(uint64_t id, void (*run)(void)) {
  body = run;
  top = (uint8_t *)allocate(STACK) + STACK;
  CHECK_OK(wasix_context_switch(id));
}

static __thread uint32_t steps;

static void count_for_ever(void) {
  for (;;) {
    steps++;
    CHECK_OK(wasix_context_switch(back));
  }
}

static void test_switches(void) {
  uint64_t other = make();
  CHECK(other == 1);
  steps = 0;
  begin(other, count_for_ever);
  for (uint32_t round = 1; round < 20000; round++) {
    CHECK(steps == round);
    CHECK_OK(wasix_context_switch(other));
  }
  CHECK(steps == 20000);
  CHECK_OK(wasix_context_destroy(other));
}

static uint64_t chain[MOST];
static uint32_t depth;

// Each context begins the next; the last goes back through all of them.
static void go_deeper(void) {
  uint32_t place = depth++;
  if (depth < MOST) begin(chain[depth], go_deeper);
  steps++;
  CHECK_OK(wasix_context_switch(place == 0 ? 0 : chain[place - 1]));
}

static void test_chain(void) {
  for (uint32_t index = 0; index < MOST; index++) chain[index] = make();
  begin(chain[0], go_deeper);
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
  CHECK(wasix_context_create((uint64_t *)-4, (uint32_t)(uintptr_t)enter) != 0);
  CHECK(wasix_context_destroy(0) == WASI_EINVAL);
  CHECK_OK(wasix_context_destroy(12345));
  id = make();
  CHECK_OK(wasix_context_destroy(id));
  CHECK_OK(wasix_context_destroy(id));
  CHECK(wasix_context_switch(id) == WASI_EINVAL);
  uint64_t next = make();
  CHECK(next == id + 1);
}

static void destroy_itself(void) {
  CHECK(wasix_context_destroy(back + 1) == WASI_EINVAL);
  CHECK_OK(wasix_context_switch(back));
  CHECK(false);
}

static void test_destroyed(void) {
  uint64_t id = make();
  begin(id, destroy_itself);
  CHECK_OK(wasix_context_destroy(id));
  CHECK(wasix_context_switch(id) == WASI_EINVAL);
  for (uint32_t round = 0; round < 5000; round++) {
    id = make();
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
  uint64_t id = make();
  CHECK(id == 1);
  awake++;
  begin(id, wait_in_context);
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

static void just_return(void) {}

static void trap(void) { __builtin_trap(); }

static void leave_process(void) { wasi_proc_exit(7); }

static void leave_thread(void) { wasix_thread_exit(0); }

static void *leave_from_context(void *argument) {
  begin(make(), leave_thread);
  CHECK(false);
  return argument;
}

static void test_leaving(void) {
  CHECK_OK(wasix_thread_join(thread_start(leave_from_context, NULL)->tid));
}

static void *return_on_thread(void *argument) {
  begin(make(), just_return);
  return argument;
}

static void wait_for_ever(void) { word_wait(&word, 0, FOREVER); }

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (text_equal(argv[1], "supported")) {
    uint64_t id;
    print("%d %d %d\n", wasix_context_create(&id, (uint32_t)(uintptr_t)enter), wasix_context_switch(5), wasix_context_destroy(5));
    return 0;
  }
  if (text_equal(argv[1], "switches")) test_switches();
  else if (text_equal(argv[1], "chain")) test_chain();
  else if (text_equal(argv[1], "errors")) test_errors();
  else if (text_equal(argv[1], "destroyed")) test_destroyed();
  else if (text_equal(argv[1], "waits")) test_waits();
  else if (text_equal(argv[1], "leaving")) test_leaving();
  else if (text_equal(argv[1], "return")) begin(make(), just_return);
  else if (text_equal(argv[1], "return-thread")) wasix_thread_join(thread_start(return_on_thread, NULL)->tid);
  else if (text_equal(argv[1], "trap")) begin(make(), trap);
  else if (text_equal(argv[1], "exit")) begin(make(), leave_process);
  else if (text_equal(argv[1], "hang")) begin(make(), wait_for_ever);
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
