// guest: threads
// Waiting for many files from many threads at once. The argument names the case.
#include "weft.h"

#define READERS 4
#define WRITERS 3
#define PIPES 8
#define MESSAGES 300

static int32_t set;
static int32_t read_ends[PIPES], write_ends[PIPES];
static uint32_t watch_flags;
static _Atomic uint32_t received, sum, wakes, done;

static void open_pipes(uint16_t flags) {
  for (uint32_t index = 0; index < PIPES; index++) {
    CHECK_OK(wasix_fd_pipe(&read_ends[index], &write_ends[index]));
    if (flags) CHECK_OK(wasi_fd_fdstat_set_flags(read_ends[index], flags));
  }
}

static int32_t watch(uint32_t operation, int32_t fd, uint32_t events, uint64_t data) {
  const struct wasi_epoll_event event = {events, {.data2 = data}};
  return wasix_epoll_ctl(set, operation, fd, &event);
}

static int32_t read_bytes(int32_t fd, void *bytes, uint32_t size, uint32_t *count) {
  const struct wasi_iovec piece = {bytes, size};
  return wasi_fd_read(fd, &piece, 1, count);
}

// Takes all messages of four bytes that a pipe holds.
static void drain(int32_t fd) {
  for (;;) {
    uint32_t message, count = 0;
    int32_t errno = read_bytes(fd, &message, 4, &count);
    if (errno == WASI_EAGAIN) return;
    CHECK_OK(errno);
    if (count == 0) return;
    CHECK(count == 4);
    sum += message;
    received++;
  }
}

static void *wait_and_drain(void *argument) {
  struct wasi_epoll_event events[3];
  while (!done) {
    uint32_t count = 0;
    CHECK_OK(wasix_epoll_wait(set, events, 3, FOREVER, &count));
    CHECK(count > 0 && count <= 3);
    for (uint32_t index = 0; index < count; index++) {
      uint64_t pipe = events[index].data.data2;
      if (pipe == PIPES) continue;
      CHECK(events[index].events & WASI_EPOLL_TYPE_EPOLLIN);
      drain(read_ends[pipe]);
      wakes++;
      if (watch_flags & WASI_EPOLL_TYPE_EPOLLONESHOT)
        CHECK_OK(watch(WASI_EPOLL_CTL_MOD, read_ends[pipe], WASI_EPOLL_TYPE_EPOLLIN | watch_flags, pipe));
    }
  }
  return argument;
}

static void *write_messages(void *argument) {
  uint32_t seed = (uint32_t)argument;
  for (uint32_t message = 1; message <= MESSAGES; message++) {
    seed = seed * 1664525 + 1013904223;
    CHECK_OK(write_bytes(write_ends[(seed >> 16) % PIPES], &message, 4));
    if ((seed >> 8) % 16 == 0) wasi_sched_yield();
  }
  return argument;
}

// Writers fill pipes at random; every message is taken once, whichever way the readers wait.
static void test_readers(uint32_t flags) {
  watch_flags = flags;
  CHECK_OK(wasix_epoll_create(&set));
  open_pipes(WASI_FDFLAGS_NONBLOCK);
  for (uint32_t index = 0; index < PIPES; index++)
    CHECK_OK(watch(WASI_EPOLL_CTL_ADD, read_ends[index], WASI_EPOLL_TYPE_EPOLLIN | flags, index));
  // What ends the readers: it stays ready.
  int32_t stop;
  CHECK_OK(wasix_fd_event(0, 0, &stop));
  CHECK_OK(watch(WASI_EPOLL_CTL_ADD, stop, WASI_EPOLL_TYPE_EPOLLIN, PIPES));
  struct thread *threads[READERS + WRITERS];
  for (uint32_t index = 0; index < READERS; index++) threads[index] = thread_start(wait_and_drain, NULL);
  for (uint32_t index = 0; index < WRITERS; index++)
    threads[READERS + index] = thread_start(write_messages, (void *)(index * 7919 + 1));
  for (uint32_t index = 0; index < WRITERS; index++) CHECK_OK(wasix_thread_join(threads[READERS + index]->tid));
  while (received < WRITERS * MESSAGES) CHECK_OK(wasix_thread_sleep(1000000));
  done = 1;
  const uint64_t one = 1;
  CHECK_OK(write_bytes(stop, &one, 8));
  for (uint32_t index = 0; index < READERS; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  CHECK(received == WRITERS * MESSAGES);
  CHECK(sum == WRITERS * (MESSAGES * (MESSAGES + 1) / 2));
  CHECK(wakes > 0);
}

static void *add_and_remove(void *argument) {
  uint32_t seed = (uint32_t)argument;
  for (uint32_t round = 0; round < 400; round++) {
    seed = seed * 1664525 + 1013904223;
    int32_t reader, writer;
    CHECK_OK(wasix_fd_pipe(&reader, &writer));
    CHECK_OK(watch(WASI_EPOLL_CTL_ADD, reader, WASI_EPOLL_TYPE_EPOLLIN | (seed >> 24 & 1 ? WASI_EPOLL_TYPE_EPOLLET : 0), 1000));
    if (seed >> 25 & 1) CHECK_OK(write_bytes(writer, "x", 1));
    if (seed >> 26 & 1) CHECK_OK(watch(WASI_EPOLL_CTL_MOD, reader, WASI_EPOLL_TYPE_EPOLLIN, 1001));
    if (seed >> 27 & 1) CHECK_OK(wasi_fd_close(writer));
    if (seed >> 28 & 1) CHECK_OK(watch(WASI_EPOLL_CTL_DEL, reader, 0, 0));
    CHECK_OK(wasi_fd_close(reader));
    if (!(seed >> 27 & 1)) CHECK_OK(wasi_fd_close(writer));
  }
  done++;
  return argument;
}

static void *wait_only(void *argument) {
  struct wasi_epoll_event events[4];
  while (done < WRITERS) {
    uint32_t count = 0;
    CHECK_OK(wasix_epoll_wait(set, events, 4, 1000000, &count));
    CHECK(count <= 4);
    for (uint32_t index = 0; index < count; index++) CHECK(events[index].data.data2 >= 1000);
    wakes += count;
  }
  return argument;
}

// Files come, change and are closed while others wait for them; at the end the set is empty.
static void test_changes(void) {
  CHECK_OK(wasix_epoll_create(&set));
  struct thread *threads[READERS + WRITERS];
  for (uint32_t index = 0; index < READERS; index++) threads[index] = thread_start(wait_only, NULL);
  for (uint32_t index = 0; index < WRITERS; index++)
    threads[READERS + index] = thread_start(add_and_remove, (void *)(index * 104729 + 3));
  for (uint32_t index = 0; index < READERS + WRITERS; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  struct wasi_epoll_event event;
  uint32_t count = 9;
  CHECK_OK(wasix_epoll_wait(set, &event, 1, 0, &count));
  CHECK(count == 0);
}

static void *poll_and_read(void *argument) {
  while (received < WRITERS * MESSAGES) {
    struct wasi_subscription wants[PIPES + 1] = {};
    for (uint32_t index = 0; index < PIPES; index++) {
      wants[index].userdata = index;
      wants[index].u.tag = WASI_EVENTTYPE_FD_READ;
      wants[index].u.u.fd_read.file_descriptor = read_ends[index];
    }
    wants[PIPES].userdata = PIPES;
    wants[PIPES].u.tag = WASI_EVENTTYPE_CLOCK;
    wants[PIPES].u.u.clock.id = WASI_CLOCKID_MONOTONIC;
    wants[PIPES].u.u.clock.timeout = 5000000;
    struct wasi_event told[PIPES + 1];
    uint32_t count = 0;
    CHECK_OK(wasi_poll_oneoff(wants, told, PIPES + 1, &count));
    CHECK(count >= 1 && count <= PIPES + 1);
    for (uint32_t index = 0; index < count; index++)
      if (told[index].userdata < PIPES) drain(read_ends[told[index].userdata]);
  }
  return argument;
}

// The same with poll_oneoff.
static void test_poll(void) {
  open_pipes(WASI_FDFLAGS_NONBLOCK);
  struct thread *threads[READERS + WRITERS];
  for (uint32_t index = 0; index < READERS; index++) threads[index] = thread_start(poll_and_read, NULL);
  for (uint32_t index = 0; index < WRITERS; index++)
    threads[READERS + index] = thread_start(write_messages, (void *)(index * 31 + 5));
  for (uint32_t index = 0; index < READERS + WRITERS; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  CHECK(received == WRITERS * MESSAGES);
  CHECK(sum == WRITERS * (MESSAGES * (MESSAGES + 1) / 2));
}

static int32_t semaphore;

static void *take_ones(void *argument) {
  for (;;) {
    uint64_t value = 0;
    uint32_t count = 0;
    CHECK_OK(read_bytes(semaphore, &value, 8, &count));
    CHECK(count == 8 && value == 1);
    if (++received >= 1000) return argument;
    // The last ones are left for the others to end by.
    if (received > 1000 - READERS) return argument;
  }
}

// Each one of a semaphore is taken by one reader.
static void test_semaphore(void) {
  CHECK_OK(wasix_fd_event(0, WASI_EVENTFDFLAGS_SEMAPHORE, &semaphore));
  struct thread *threads[READERS];
  for (uint32_t index = 0; index < READERS; index++) threads[index] = thread_start(take_ones, NULL);
  for (uint64_t given = 0; given < 1000;) {
    uint64_t some = given % 7 + 1;
    if (given + some > 1000) some = 1000 - given;
    CHECK_OK(write_bytes(semaphore, &some, 8));
    given += some;
  }
  for (uint32_t index = 0; index < READERS; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  // What nobody took is still there, one by one.
  CHECK_OK(wasi_fd_fdstat_set_flags(semaphore, WASI_FDFLAGS_NONBLOCK));
  uint32_t left = 0;
  for (;; left++) {
    uint64_t value = 0;
    uint32_t count = 0;
    int32_t errno = read_bytes(semaphore, &value, 8, &count);
    if (errno == WASI_EAGAIN) break;
    CHECK_OK(errno);
    CHECK(value == 1);
  }
  CHECK(received + left == 1000);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  if (text_equal(argv[1], "level")) test_readers(0);
  else if (text_equal(argv[1], "edge")) test_readers(WASI_EPOLL_TYPE_EPOLLET);
  else if (text_equal(argv[1], "one-shot")) test_readers(WASI_EPOLL_TYPE_EPOLLONESHOT);
  else if (text_equal(argv[1], "changes")) test_changes();
  else if (text_equal(argv[1], "poll")) test_poll();
  else if (text_equal(argv[1], "semaphore")) test_semaphore();
  else CHECK(false);
  print("%s: done\n", argv[1]);
  return 0;
}
