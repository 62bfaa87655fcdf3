// guest: threads
// Many threads: one after the other, many at once, left alone, and made, joined and ended at random. thread_storm CASE NUMBER [SEED]
#include "weft.h"

#define SLOTS 24

static _Atomic uint32_t ran;
static _Atomic uint32_t gate;
static _Atomic uint32_t waiting;

static void *count(void *argument) {
  ran++;
  return argument;
}

static void *count_at_gate(void *argument) {
  waiting++;
  while (!gate) word_wait(&gate, 0, FOREVER);
  ran++;
  return argument;
}

static void sequential(uint32_t number) {
  struct thread thread;
  void *stack = allocate(WEFT_STACK_SIZE);
  for (uint32_t index = 0; index < number; index++) {
    CHECK_OK(thread_start_on(&thread, stack, WEFT_STACK_SIZE, count, NULL));
    CHECK_OK(wasix_thread_join(thread.tid));
  }
  CHECK(ran == number);
}

static void at_once(uint32_t number) {
  struct thread **threads = allocate(number * sizeof *threads);
  for (uint32_t index = 0; index < number; index++) threads[index] = thread_start(count_at_gate, NULL);
  while (waiting < number) CHECK_OK(wasix_thread_sleep(1000000));
  gate = 1;
  word_wake_all(&gate);
  for (uint32_t index = 0; index < number; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  CHECK(ran == number);
}

static void *make_growing(void *number) {
  for (uint32_t left = (uint32_t)number; left > 0; left--) {
    void *stack = allocate(65536 - sizeof(struct thread));
    struct thread *thread = allocate(sizeof *thread);
    CHECK(thread && stack);
    CHECK_OK(thread_start_on(thread, stack, WEFT_STACK_SIZE, count, NULL));
    if (left % 4 == 0) CHECK_OK(wasix_thread_join(thread->tid));
  }
  return NULL;
}

// Three threads make others whose records and stacks lie in memory that was grown a moment before.
static void growing(uint32_t number) {
  struct thread *makers[3];
  for (int index = 0; index < 3; index++) makers[index] = thread_start(make_growing, (void *)number);
  for (int index = 0; index < 3; index++) CHECK_OK(wasix_thread_join(makers[index]->tid));
  while (ran < 3 * number) CHECK_OK(wasix_thread_sleep(1000000));
}

// Nobody joins them; the program ends when all have run.
static void detached(uint32_t number) {
  for (uint32_t index = 0; index < number; index++) {
    struct thread *thread = allocate(sizeof *thread);
    void *stack = allocate(WEFT_STACK_SIZE);
    CHECK(thread && stack);
    int32_t error;
    while ((error = thread_start_on(thread, stack, WEFT_STACK_SIZE, count, NULL)) == WASI_EACCES)
      CHECK_OK(wasix_thread_sleep(1000000));
    CHECK_OK(error);
  }
  while (ran < number) CHECK_OK(wasix_thread_sleep(1000000));
}

// ---------------------------------------------------------------------------------------------------------------------

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static struct mutex lock;
static uint32_t guarded;
static int32_t reader, writer;

struct slot {
  struct thread thread;
  void *stack;
  uint32_t seed;
};

// Does a few things that threads do, and ends in one of the ways that leave the process alone.
static void *do_things(void *argument) {
  uint32_t random = (uint32_t)argument;
  for (uint32_t steps = next_random(&random) % 6; steps > 0; steps--) {
    switch (next_random(&random) % 6) {
    case 0:
      mutex_lock(&lock);
      guarded++;
      mutex_unlock(&lock);
      break;
    case 1: CHECK_OK(wasix_thread_sleep(next_random(&random) % 300000)); break;
    case 2: wasi_sched_yield(); break;
    case 3:
      for (volatile uint32_t turn = next_random(&random) % 20000; turn > 0; turn--) continue;
      break;
    case 4: {
      // One byte in, one byte out, so that the pipe holds none when all have ended.
      uint8_t byte = 1;
      const struct wasi_iovec piece = {&byte, 1};
      uint32_t done;
      CHECK_OK(write_bytes(writer, &byte, 1));
      CHECK_OK(wasi_fd_read(reader, &piece, 1, &done));
      break;
    }
    default: word_wait(&gate, 0, next_random(&random) % 200000); break;
    }
  }
  ran++;
  if (next_random(&random) % 3 == 0) wasix_thread_exit(1);
  return NULL;
}

static void random_storm(uint32_t operations, uint32_t seed) {
  static struct slot slots[SLOTS];
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  uint32_t random = seed * 2654435761u + 1, made = 0;
  for (uint32_t step = 0; step < operations; step++) {
    struct slot *slot = &slots[next_random(&random) % SLOTS];
    if (slot->stack) {
      CHECK_OK(wasix_thread_join(slot->thread.tid));
      slot->thread.tid = 0;
    } else slot->stack = allocate(WEFT_STACK_SIZE);
    if (slot->thread.tid == 0) {
      int32_t error =
          thread_start_on(&slot->thread, slot->stack, WEFT_STACK_SIZE, do_things, (void *)(next_random(&random) | 1));
      if (error == WASI_SUCCESS) made++;
      else CHECK_ERRNO(WASI_EACCES, error);
    }
  }
  for (int index = 0; index < SLOTS; index++)
    if (slots[index].thread.tid) CHECK_OK(wasix_thread_join(slots[index].thread.tid));
  CHECK(ran == made);
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  uint32_t number = (uint32_t)text_number(argv[2]);
  if (text_equal(argv[1], "sequential")) sequential(number);
  else if (text_equal(argv[1], "at-once")) at_once(number);
  else if (text_equal(argv[1], "detached")) detached(number);
  else if (text_equal(argv[1], "growing")) growing(number);
  else if (text_equal(argv[1], "random")) random_storm(number, (uint32_t)text_number(argv[3]));
  else if (text_equal(argv[1], "random-exit")) {
    random_storm(number, (uint32_t)text_number(argv[3]));
    for (int index = 0; index < 4; index++) thread_start(do_things, (void *)(index * 77 + 1));
    wasi_proc_exit(3);
  } else CHECK(false);
  print("%u\n", ran);
  return 0;
}
