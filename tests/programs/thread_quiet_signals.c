// guest: threads
// Signals that do nothing by default (SIGCHLD), taken as the C library takes them: a default action begins with naming a callback that does not exist and
// ends with naming the real one. Waits go on after it, and end with EINTR after a handler of the program's own.
#include "weft.h"

enum { MILLISECOND = 1000000, MANY = 100000 };

static _Atomic uint32_t is_own, taken;

static void name_callback(const char *name) { wasix_callback_signal(name, text_length(name)); }

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  (void)signal;
  if (!is_own) {
    name_callback("no such export");
    name_callback("take_signal");
  }
  taken++;
  word_wake_all(&taken);
}

static _Atomic uint32_t ended;

static void nap(void) {
  static _Atomic uint32_t never;
  word_wait(&never, 0, 5 * MILLISECOND);
}

// Sends SIGCHLD to a wait: a few, and then gives what is waited for, or, where a handler cuts the wait short, until it has ended.
static void *disturb(void *argument) {
  const int32_t *ends = argument;
  int32_t pid;
  CHECK_OK(wasix_proc_id(&pid));
  for (int sent = 0; is_own ? !ended : sent < 3; sent++) {
    nap();
    uint32_t before = taken;
    CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_CHLD));
    while (taken == before && !ended) word_wait(&taken, before, 5 * MILLISECOND);
  }
  if (is_own) return NULL;
  static char bytes[MANY];
  if (ends[0] < 0) CHECK_OK(write_bytes(ends[1], "done", 4));
  else
    for (uint32_t count, total = 0; total < MANY; total += count) {
      const struct wasi_iovec piece = {(uint8_t *)bytes, sizeof bytes};
      CHECK_OK(wasi_fd_read(ends[0], &piece, 1, &count));
    }
  return NULL;
}

// Whether the read gave bytes; an errno otherwise.
static int32_t read_four(int32_t fd) {
  char bytes[4];
  const struct wasi_iovec piece = {(uint8_t *)bytes, sizeof bytes};
  uint32_t count = 0;
  int32_t error = wasi_fd_read(fd, &piece, 1, &count);
  if (error == WASI_SUCCESS) CHECK(count == 4 && memcmp(bytes, "done", 4) == 0);
  return error;
}

static int32_t poll_two(int32_t fd) {
  const struct wasi_subscription wanted[] = {
      {.u = {.tag = WASI_EVENTTYPE_FD_READ, .u.fd_read.file_descriptor = fd}},
      {.u = {.tag = WASI_EVENTTYPE_CLOCK, .u.clock = {.id = WASI_CLOCKID_MONOTONIC, .timeout = 60000ull * MILLISECOND}}},
  };
  struct wasi_event events[2];
  uint32_t count = 0;
  int32_t error = wasi_poll_oneoff(wanted, events, 2, &count);
  if (error == WASI_SUCCESS) CHECK(count == 1 && events[0].type == WASI_EVENTTYPE_FD_READ && read_four(fd) == WASI_SUCCESS);
  return error;
}

static int32_t wait_epoll(int32_t fd) {
  int32_t set;
  CHECK_OK(wasix_epoll_create(&set));
  const struct wasi_epoll_event event = {.events = WASI_EPOLL_TYPE_EPOLLIN};
  CHECK_OK(wasix_epoll_ctl(set, WASI_EPOLL_CTL_ADD, fd, &event));
  struct wasi_epoll_event got;
  uint32_t count = 0;
  int32_t error = wasix_epoll_wait(set, &got, 1, FOREVER, &count);
  if (error == WASI_SUCCESS) CHECK(count == 1 && read_four(fd) == WASI_SUCCESS);
  CHECK_OK(wasi_fd_close(set));
  return error;
}

// More than a pipe holds: what a handler cuts short has written a part.
static int32_t write_many(int32_t fd) {
  static char bytes[MANY];
  const struct wasi_ciovec piece = {(uint8_t *)bytes, sizeof bytes};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_write(fd, &piece, 1, &count));
  return count == MANY ? WASI_SUCCESS : WASI_EINTR;
}

static void check_wait(const char *name, int32_t (*wait)(int32_t), bool writes, bool own) {
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  is_own = own;
  ended = 0;
  int32_t ends[] = {writes ? reader : -1, writer};
  struct thread *thread = thread_start(disturb, ends);
  int32_t error = wait(writes ? writer : reader);
  ended = 1;
  thread_result(thread);
  print("%s %s: %d\n", own ? "own" : "default", name, error);
  CHECK_OK(wasi_fd_close(reader));
  CHECK_OK(wasi_fd_close(writer));
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  name_callback("take_signal");
  for (int own = 0; own < 2; own++) {
    check_wait("read", read_four, false, own);
    check_wait("write", write_many, true, own);
    check_wait("poll", poll_two, false, own);
    check_wait("epoll", wait_epoll, false, own);
  }
  return 0;
}
