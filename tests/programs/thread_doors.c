// guest: threads
// The two doors through which threads are made, and every way in which they refuse. The argument names the case.
#include "weft.h"

static _Atomic uint32_t started;

static void *count(void *argument) {
  started += (uint32_t)argument;
  return NULL;
}

static uint32_t memory_end(void) { return (uint32_t)__builtin_wasm_memory_size(0) * 65536; }

// A record as thread_start_on fills it, on a stack of its own; nothing is started.
static struct thread *make_record(void) {
  struct thread *thread = allocate(sizeof *thread);
  uint8_t *stack = allocate(WEFT_STACK_SIZE);
  CHECK(thread && stack);
  thread->start = (struct wasi_thread_start){
      .stack = (uint32_t)stack + WEFT_STACK_SIZE,
      .tls_base = (uint32_t)stack,
      .start_funct = (uint32_t)count,
      .start_args = 1,
      .stack_size = WEFT_STACK_SIZE - 4096,
  };
  return thread;
}

// A refused spawn has used no id and runs nothing: the next thread gets the next id, and only it counts.
static void check_nothing_ran(void) {
  struct thread *thread = make_record();
  int32_t tid = 0;
  CHECK_OK(wasix_thread_spawn_v2(&thread->start, &tid));
  CHECK(tid == 2);
  CHECK_OK(wasix_thread_join(tid));
  CHECK_OK(wasix_thread_sleep(5000000));
  CHECK(started == 1);
}

static void open_both(void) {
  struct thread *first = make_record();
  struct thread *second = make_record();
  int32_t tid = 0;
  CHECK_OK(wasix_thread_spawn_v2(&first->start, &tid));
  CHECK(tid == 2);
  int32_t other = wasi_thread_spawn(second);
  CHECK(other == 3);
  CHECK_OK(wasix_thread_join(tid));
  CHECK_OK(wasix_thread_join(other));
  CHECK(first->tid == 2 && second->tid == 3 && started == 2);
}

static void refuse_records(void) {
  int32_t tid = -7;
  const uint32_t size = sizeof(struct wasi_thread_start);
  // Wholly outside, with its last byte outside, and so high that the end wraps.
  const uint32_t bad[] = {memory_end(), memory_end() - size + 1, 0xffffffffu, 0u - size};
  for (uint32_t index = 0; index < 4; index++)
    CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_thread_spawn_v2((struct wasi_thread_start *)bad[index], &tid));
  CHECK(tid == -7);
  check_nothing_ran();
}

static void refuse_size(void) {
  struct thread *thread = make_record();
  int32_t tid = -7;
  thread->start.stack_size = thread->start.stack + 1;
  CHECK_ERRNO(WASI_EINVAL, wasix_thread_spawn_v2(&thread->start, &tid));
  thread->start.stack_size = 0xffffffffu;
  CHECK_ERRNO(WASI_EINVAL, wasix_thread_spawn_v2(&thread->start, &tid));
  CHECK(tid == -7);
  check_nothing_ran();
}

static void refuse_result(void) {
  struct thread *thread = make_record();
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_thread_spawn_v2(&thread->start, (int32_t *)memory_end()));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_thread_spawn_v2(&thread->start, (int32_t *)(memory_end() - 3)));
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_thread_spawn_v2(&thread->start, (int32_t *)0xfffffffeu));
  check_nothing_ran();
}

static _Atomic uint32_t gate;

static void *wait_at_gate(void *argument) {
  while (!gate) word_wait(&gate, 0, FOREVER);
  return argument;
}

// With room for four threads: three more than main, then an error until one has ended; by both doors.
static void reach_limit(void) {
  struct thread *threads[3];
  for (int index = 0; index < 3; index++) threads[index] = thread_start(wait_at_gate, NULL);
  struct thread *refused = make_record();
  int32_t tid = -7;
  CHECK_ERRNO(WASI_EACCES, wasix_thread_spawn_v2(&refused->start, &tid));
  CHECK(tid == -7);
  CHECK(wasi_thread_spawn(refused) == -WASI_EACCES);
  gate = 1;
  word_wake_all(&gate);
  CHECK_OK(wasix_thread_join(threads[1]->tid));
  CHECK_OK(wasix_thread_spawn_v2(&refused->start, &tid));
  CHECK_OK(wasix_thread_join(tid));
  CHECK(started == 1);
}

static void *spawn_for_ever(void *argument) {
  static struct thread *spare;
  spare = make_record();
  for (;;) {
    int32_t tid;
    int32_t error = wasix_thread_spawn_v2(&spare->start, &tid);
    CHECK(error == WASI_SUCCESS || error == WASI_EACCES);
  }
  return argument;
}

// The process ends while threads are being made: whatever was half made goes.
static void end_while_spawning(void) {
  for (int index = 0; index < 2; index++) {
    struct thread *thread = allocate(sizeof *thread);
    void *stack = allocate(WEFT_STACK_SIZE);
    while (thread_start_on(thread, stack, WEFT_STACK_SIZE, spawn_for_ever, NULL) != WASI_SUCCESS) continue;
  }
  while (started < 10) CHECK_OK(wasix_thread_sleep(1000000));
  wasi_proc_exit(9);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (text_equal(argv[1], "both")) open_both();
  else if (text_equal(argv[1], "record")) refuse_records();
  else if (text_equal(argv[1], "size")) refuse_size();
  else if (text_equal(argv[1], "result")) refuse_result();
  else if (text_equal(argv[1], "limit")) reach_limit();
  else if (text_equal(argv[1], "ending")) end_while_spawning();
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
