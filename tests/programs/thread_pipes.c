// guest: threads
// Pipes between threads: bounds, order, what is never mixed, and ends that go away. The argument names the case.
#include "weft.h"

#define PIPE_SIZE 65536
#define PIPE_ATOMIC 4096

static int32_t reader, writer;
static _Atomic uint32_t state, signals, total;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  if (signal == WASI_SIGNAL_PIPE) signals++;
}

static int32_t read_some(void *bytes, uint32_t size, uint32_t *count) {
  const struct wasi_iovec piece = {bytes, size};
  *count = 0;
  return wasi_fd_read(reader, &piece, 1, count);
}

static int32_t write_some(const void *bytes, uint32_t size, uint32_t *count) {
  const struct wasi_ciovec piece = {(uint8_t *)bytes, size};
  *count = 0;
  return wasi_fd_write(writer, &piece, 1, count);
}

static void settle(void) { CHECK_OK(wasix_thread_sleep(5000000)); }

// One write of four times what a pipe holds: it comes back when all of it is taken, in order.
static void *write_much(void *argument) {
  static uint32_t words[PIPE_SIZE];
  for (uint32_t index = 0; index < PIPE_SIZE; index++) words[index] = index;
  uint32_t count;
  CHECK_OK(write_some(words, sizeof words, &count));
  CHECK(count == sizeof words);
  state = 1;
  CHECK_OK(wasi_fd_close(writer));
  return argument;
}

static void test_large(void) {
  struct thread *thread = thread_start(write_much, NULL);
  settle();
  CHECK(state == 0);
  static uint32_t words[PIPE_SIZE];
  uint32_t done = 0;
  for (uint32_t size = 1; done < sizeof words; size = size * 5 % 8191 + 1) {
    uint32_t room = sizeof words - done, count;
    CHECK_OK(read_some((uint8_t *)words + done, size < room ? size : room, &count));
    CHECK(count > 0);
    done += count;
  }
  for (uint32_t index = 0; index < PIPE_SIZE; index++) CHECK(words[index] == index);
  uint32_t count;
  CHECK_OK(read_some(words, 4, &count));
  CHECK(count == 0);
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(state == 1);
}

// Writes of up to 4096 bytes are never mixed.
static void *write_blocks(void *argument) {
  uint8_t block[PIPE_ATOMIC];
  memset(block, (int)(uint32_t)argument, sizeof block);
  for (uint32_t round = 0; round < 60; round++) {
    uint32_t count;
    CHECK_OK(write_some(block, sizeof block, &count));
    CHECK(count == sizeof block);
  }
  return argument;
}

static void test_atomic(void) {
  struct thread *threads[4];
  for (uint32_t index = 0; index < 4; index++) threads[index] = thread_start(write_blocks, (void *)(index + 1));
  uint32_t counts[5] = {};
  static uint8_t block[PIPE_ATOMIC];
  for (uint32_t round = 0; round < 4 * 60; round++) {
    for (uint32_t done = 0, count; done < sizeof block; done += count) CHECK_OK(read_some(block + done, sizeof block - done, &count));
    for (uint32_t index = 1; index < sizeof block; index++) CHECK(block[index] == block[0]);
    counts[block[0]]++;
  }
  for (uint32_t index = 0; index < 4; index++) {
    CHECK_OK(wasix_thread_join(threads[index]->tid));
    CHECK(counts[index + 1] == 60);
  }
}

// What fits is written, and then nothing; 4096 bytes or fewer all or not at all.
static void test_nonblocking(void) {
  static uint8_t bytes[PIPE_SIZE];
  uint32_t count;
  CHECK_OK(wasi_fd_fdstat_set_flags(reader, WASI_FDFLAGS_NONBLOCK));
  CHECK_OK(wasi_fd_fdstat_set_flags(writer, WASI_FDFLAGS_NONBLOCK));
  CHECK_ERRNO(WASI_EAGAIN, read_some(bytes, 1, &count));
  CHECK_OK(write_some(bytes, 60000, &count));
  CHECK(count == 60000);
  CHECK_OK(write_some(bytes, 10000, &count));
  CHECK(count == PIPE_SIZE - 60000);
  CHECK_ERRNO(WASI_EAGAIN, write_some(bytes, 1, &count));
  CHECK_OK(read_some(bytes, 4000, &count));
  CHECK_ERRNO(WASI_EAGAIN, write_some(bytes, PIPE_ATOMIC, &count));
  CHECK_OK(write_some(bytes, PIPE_ATOMIC + 1, &count));
  CHECK(count == 4000);
  CHECK_OK(read_some(bytes, PIPE_SIZE, &count));
  CHECK(count == PIPE_SIZE);
  CHECK_ERRNO(WASI_EAGAIN, read_some(bytes, 1, &count));
}

// A pipe through which much has gone holds more for writers that wait, and nothing else tells it from others.
static uint8_t written_next, read_next;

static uint32_t write_pattern(uint32_t size) {
  static uint8_t bytes[4 * PIPE_SIZE];
  CHECK(size <= sizeof bytes);
  for (uint32_t index = 0; index < size; index++) bytes[index] = (uint8_t)(written_next + index);
  uint32_t count;
  int32_t error = write_some(bytes, size, &count);
  CHECK(error == WASI_SUCCESS || error == WASI_EAGAIN);
  written_next += count;
  return count;
}

static void read_pattern(uint32_t size) {
  static uint8_t bytes[PIPE_SIZE];
  while (size > 0) {
    uint32_t count;
    CHECK_OK(read_some(bytes, size < sizeof bytes ? size : sizeof bytes, &count));
    for (uint32_t index = 0; index < count; index++) CHECK(bytes[index] == read_next++);
    size -= count;
  }
}

static void *write_large_pattern(void *argument) {
  for (uint32_t round = 0; round < 8; round++) CHECK(write_pattern(4 * PIPE_SIZE - round) == 4 * PIPE_SIZE - round);
  state = 1;
  return argument;
}

static void test_flow(void) {
  for (uint32_t round = 0; round < 5; round++) {
    CHECK(write_pattern(60001) == 60001);
    read_pattern(60001);
  }
  CHECK(write_pattern(40000) == 40000);
  // Nobody reads: it comes back since there is room.
  CHECK(write_pattern(3 * PIPE_SIZE) == 3 * PIPE_SIZE);
  CHECK_OK(wasi_fd_fdstat_set_flags(writer, WASI_FDFLAGS_NONBLOCK));
  CHECK(write_pattern(1) == 0);
  read_pattern(3 * PIPE_SIZE - 30000);
  CHECK(write_pattern(5000) == 0);
  read_pattern(10000);
  CHECK(write_pattern(8000) == PIPE_SIZE - 60000);
  CHECK_OK(wasi_fd_fdstat_set_flags(writer, 0));
  struct thread *thread = thread_start(write_large_pattern, NULL);
  settle();
  CHECK(state == 0);
  read_pattern(PIPE_SIZE);
  for (uint32_t round = 0; round < 8; round++) read_pattern(4 * PIPE_SIZE - round);
  CHECK_OK(wasix_thread_join(thread->tid));
}

// The last reader goes while a writer waits: EPIPE after a signal for each write that took nothing, or what was taken.
static void *write_until_broken(void *argument) {
  static uint8_t bytes[2 * PIPE_SIZE];
  wasix_callback_signal("take_signal", 11);
  uint32_t count;
  state = 1;
  CHECK_OK(write_some(bytes, sizeof bytes, &count));
  CHECK(count >= PIPE_SIZE && count < sizeof bytes);
  CHECK_ERRNO(WASI_EPIPE, write_some(bytes, 1, &count));
  CHECK(signals >= 1);
  return argument;
}

static void test_broken(void) {
  wasix_callback_signal("take_signal", 11);
  struct thread *thread = thread_start(write_until_broken, NULL);
  while (!state) settle();
  settle();
  CHECK_OK(wasi_fd_close(reader));
  CHECK_OK(wasix_thread_join(thread->tid));
}

// The last writer goes while readers wait: all of them see the end.
static void *read_to_end(void *argument) {
  uint8_t bytes[10];
  state++;
  for (uint32_t count;;) {
    CHECK_OK(read_some(bytes, sizeof bytes, &count));
    if (count == 0) return argument;
    total += count;
  }
}

static void test_end(void) {
  struct thread *threads[3];
  for (uint32_t index = 0; index < 3; index++) threads[index] = thread_start(read_to_end, NULL);
  while (state < 3) settle();
  uint32_t count;
  CHECK_OK(write_some("some bytes for somebody", 23, &count));
  settle();
  CHECK_OK(wasi_fd_close(writer));
  for (uint32_t index = 0; index < 3; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  CHECK(total == 23);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  if (text_equal(argv[1], "large")) test_large();
  else if (text_equal(argv[1], "atomic")) test_atomic();
  else if (text_equal(argv[1], "non-blocking")) test_nonblocking();
  else if (text_equal(argv[1], "flow")) test_flow();
  else if (text_equal(argv[1], "broken")) test_broken();
  else if (text_equal(argv[1], "end")) test_end();
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
