// guest: threads
// instrumented: yes
// Threads that wait in calls of all kinds while the host takes a snapshot, and go on with them. process_captured CASE
#include "children.h"

static _Atomic uint32_t never, gate;
static int32_t own_pipe[2];
static __thread uint32_t own_word;

static uint32_t read_one(int32_t fd) {
  char byte;
  const struct wasi_iovec piece = {(uint8_t *)&byte, 1};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_read(fd, &piece, 1, &count));
  return count ? (uint32_t)byte : 0;
}

static void *wait_in_futex(void *argument) {
  while (!gate) word_wait(&gate, 0, FOREVER);
  return argument;
}

static void *wait_in_timed_futex(void *argument) {
  uint64_t begin = now_nanoseconds();
  CHECK(!word_wait(&never, 0, 700000000));
  CHECK(now_nanoseconds() - begin >= 700000000);
  return argument;
}

static void *wait_in_sleep(void *argument) {
  uint64_t begin = now_nanoseconds();
  CHECK_OK(wasix_thread_sleep(700000000));
  CHECK(now_nanoseconds() - begin >= 700000000);
  return argument;
}

static void *wait_in_read(void *argument) {
  CHECK(read_one(own_pipe[0]) == 'p');
  return argument;
}

// More than a pipe takes.
static uint8_t much[200000];
static int32_t full_pipe[2];
static void *wait_in_write(void *argument) {
  for (uint32_t index = 0; index < sizeof much; index++) much[index] = (uint8_t)(index * 7);
  const struct wasi_ciovec piece = {much, sizeof much};
  uint32_t written = 0;
  CHECK_OK(wasi_fd_write(full_pipe[1], &piece, 1, &written));
  CHECK(written == sizeof much);
  return argument;
}

static int32_t polled[2], watched[2];
static void *wait_in_poll(void *argument) {
  const struct wasi_subscription subscription = {
      .userdata = 5, .u = {.tag = WASI_EVENTTYPE_FD_READ, .u.fd_read.file_descriptor = polled[0]}};
  struct wasi_event event;
  uint32_t count = 0;
  CHECK_OK(wasi_poll_oneoff(&subscription, &event, 1, &count));
  CHECK(count == 1 && event.userdata == 5 && read_one(polled[0]) == 'q');
  return argument;
}

static void *wait_in_epoll(void *argument) {
  int32_t set = -1;
  CHECK_OK(wasix_epoll_create(&set));
  const struct wasi_epoll_event wanted = {.events = WASI_EPOLL_TYPE_EPOLLIN, .data.data2 = 9};
  CHECK_OK(wasix_epoll_ctl(set, WASI_EPOLL_CTL_ADD, watched[0], &wanted));
  struct wasi_epoll_event event;
  uint32_t count = 0;
  CHECK_OK(wasix_epoll_wait(set, &event, 1, UINT64_MAX, &count));
  CHECK(count == 1 && event.data.data2 == 9);
  return argument;
}

static struct thread *joined;
static void *wait_in_join(void *argument) {
  CHECK_OK(wasix_thread_join((uint32_t)joined->tid));
  return argument;
}

// Hardly ever waits, but calls.
static _Atomic uint32_t stop;
static void *call_on(void *argument) {
  volatile uint32_t on_stack = 0;
  own_word = 1;
  while (!stop) {
    CHECK_OK(wasi_sched_yield());
    if (own_word % 4 == 0) CHECK_OK(wasix_thread_sleep(2000000));
    on_stack++;
    own_word++;
    CHECK(own_word == on_stack + 1);
  }
  return argument;
}

static void *(*const waits[])(void *) = {wait_in_futex, wait_in_timed_futex, wait_in_sleep, wait_in_read, wait_in_write,
                                         wait_in_poll,  wait_in_epoll,       wait_in_join,  call_on};
#define COUNT (sizeof waits / sizeof *waits)

static void threads(void) {
  CHECK_OK(wasix_fd_pipe(&own_pipe[0], &own_pipe[1]));
  CHECK_OK(wasix_fd_pipe(&full_pipe[0], &full_pipe[1]));
  CHECK_OK(wasix_fd_pipe(&polled[0], &polled[1]));
  CHECK_OK(wasix_fd_pipe(&watched[0], &watched[1]));
  joined = thread_start(wait_in_futex, (void *)1);
  struct thread *all[COUNT];
  for (uint32_t index = 0; index < COUNT; index++) all[index] = thread_start(waits[index], (void *)(index + 1));
  print("ready\n");
  CHECK(read_one(0) == 'g');
  gate = 1;
  word_wake_all(&gate);
  CHECK_OK(write_bytes(own_pipe[1], "p", 1));
  CHECK_OK(write_bytes(polled[1], "q", 1));
  CHECK_OK(write_bytes(watched[1], "r", 1));
  static uint8_t got[sizeof much];
  for (uint32_t done = 0; done < sizeof got;) {
    const struct wasi_iovec piece = {got + done, sizeof got - done};
    uint32_t count = 0;
    CHECK_OK(wasi_fd_read(full_pipe[0], &piece, 1, &count));
    done += count;
  }
  stop = 1;
  for (uint32_t index = 0; index < COUNT; index++) CHECK((uint32_t)thread_result(all[index]) == index + 1);
  for (uint32_t index = 0; index < sizeof got; index++) CHECK(got[index] == (uint8_t)(index * 7));
  int32_t tid = 0;
  CHECK_OK(wasix_thread_id(&tid));
  print("%d: %d to %d\n", tid, all[0]->tid, all[COUNT - 1]->tid);
}

// A parent that waits for a child, which waits for input.
static void family(void) {
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(1, &pid));
  if (pid == 0) {
    print("ready\n");
    wasi_proc_exit(read_one(0));
    __builtin_unreachable();
  }
  expect_exit(pid, 'g');
}

// More threads than there are workers: they sleep without any where the engine cannot suspend stacks.
#define MANY 40
static void many(void) {
  struct thread *all[MANY];
  for (uint32_t index = 0; index < MANY; index++) all[index] = thread_start(wait_in_futex, (void *)index);
  CHECK_OK(wasix_thread_sleep(100000000));
  print("ready\n");
  CHECK(read_one(0) == 'g');
  gate = 1;
  word_wake_all(&gate);
  for (uint32_t index = 0; index < MANY; index++) CHECK((uint32_t)thread_result(all[index]) == index);
}

// Files and a directory of the host stay open, and it is in one.
#define EVERY_RIGHT 0x1fffffffull
static int32_t open_at(const char *path, uint16_t flags, uint16_t fdflags) {
  int32_t fd = -1;
  uint64_t rights = flags & WASI_OFLAGS_DIRECTORY ? EVERY_RIGHT & ~0x4001c0ull : EVERY_RIGHT;
  CHECK_OK(wasi_path_open(3, 1, path, text_length(path), flags, rights, EVERY_RIGHT, fdflags, &fd));
  return fd;
}

static void host(void) {
  int32_t file = open_at("host/f", WASI_OFLAGS_CREAT, 0), copy = -1;
  CHECK_OK(write_bytes(file, "0123456789", 10));
  uint64_t offset;
  CHECK_OK(wasi_fd_seek(file, 3, WASI_WHENCE_SET, &offset));
  CHECK_OK(wasix_fd_dup(file, &copy));
  int32_t log = open_at("host/d/log", WASI_OFLAGS_CREAT, WASI_FDFLAGS_APPEND);
  CHECK_OK(write_bytes(log, "one ", 4));
  int32_t directory = open_at("host/d", WASI_OFLAGS_DIRECTORY, 0);
  CHECK_OK(wasix_chdir("/host/d", 7));
  print("ready\n");
  CHECK(read_one(0) == 'g');
  CHECK(read_one(file) == '3' && read_one(copy) == '4');
  CHECK_OK(write_bytes(log, "two", 3));
  struct wasi_filestat stat;
  CHECK_OK(wasi_path_filestat_get(directory, 0, "log", 3, &stat));
  CHECK(stat.size == 7);
  CHECK_OK(wasi_path_create_directory(directory, "in", 2));
}

// What a process has besides its threads: handlers, a timer that repeats, a queued signal's effect, a child that has ended and one that is stuck in a write, a file
// without a name, an offset that descriptors share, memory that has grown, /proc.
static _Atomic uint32_t alarms, users;
__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) {
  if (signal == WASI_SIGNAL_ALRM) alarms++;
  if (signal == WASI_SIGNAL_USR1) users++;
}

// Signals end calls that wait.
static uint32_t read_through(int32_t fd, void *bytes, uint32_t room) {
  const struct wasi_iovec piece = {bytes, room};
  for (;;) {
    uint32_t count = 0;
    int32_t errno = wasi_fd_read(fd, &piece, 1, &count);
    CHECK(errno == 0 || errno == WASI_EINTR);
    if (errno == 0) return count;
  }
}

#define GROWN_PAGES 64
static void state(void) {
  wasix_callback_signal("take_signal", 11);
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_ALRM, 20000000, 1));
  uint8_t *grown = (uint8_t *)(__builtin_wasm_memory_grow(0, GROWN_PAGES) * 65536);
  for (uint32_t page = 0; page < GROWN_PAGES; page++) grown[page * 65536 + page] = (uint8_t)(page + 1);
  int32_t file = open_at("unlinked", WASI_OFLAGS_CREAT, 0), copy = -1;
  CHECK_OK(write_bytes(file, "0123456789", 10));
  uint64_t offset;
  CHECK_OK(wasi_fd_seek(file, 3, WASI_WHENCE_SET, &offset));
  CHECK_OK(wasix_fd_dup(file, &copy));
  CHECK_OK(wasi_path_unlink_file(3, "unlinked", 8));
  int32_t ended = -1, writer = -1;
  CHECK_OK(wasix_proc_fork(1, &ended));
  if (ended == 0) {
    wasi_proc_exit(7);
    __builtin_unreachable();
  }
  CHECK_OK(wasix_fd_pipe(&full_pipe[0], &full_pipe[1]));
  CHECK_OK(wasix_proc_fork(1, &writer));
  if (writer == 0) {
    CHECK_OK(wasi_fd_close(full_pipe[0]));
    wait_in_write(NULL);
    wasi_proc_exit(8);
    __builtin_unreachable();
  }
  int32_t proc = -1;
  CHECK_OK(wasi_path_open(3, 1, "proc/self/stat", 14, 0, WASI_RIGHTS_FD_READ, 0, 0, &proc));
  print("ready\n");
  char go = 0;
  CHECK(read_through(0, &go, 1) == 1 && go == 'g');
  uint32_t before = alarms;
  CHECK_OK(wasix_proc_signal((uint32_t)own_pid(), WASI_SIGNAL_USR1));
  while (alarms < before + 3) wasix_thread_sleep(5000000);
  CHECK(users == 1);
  CHECK_OK(wasix_proc_raise_interval(WASI_SIGNAL_ALRM, 0, 0));
  for (uint32_t page = 0; page < GROWN_PAGES; page++) CHECK(grown[page * 65536 + page] == page + 1);
  CHECK(read_one(copy) == '3' && read_one(file) == '4');
  CHECK(read_one(proc) == '1');
  expect_exit(ended, 7);
  static uint8_t got[sizeof much];
  for (uint32_t done = 0; done < sizeof got;) {
    uint32_t count = read_through(full_pipe[0], got + done, sizeof got - done);
    for (uint32_t index = 0; index < count; index++) CHECK(got[done + index] == (uint8_t)((done + index) * 7));
    done += count;
  }
  expect_exit(writer, 8);
}

// Makes a child that ends when it has handled a signal; before that it tells that it runs, or asks for a snapshot, if it is to.
static int32_t stopped_child(int32_t tells, int asks) {
  int32_t child = -1;
  CHECK_OK(wasix_proc_fork(1, &child));
  if (child == 0) {
    if (tells >= 0) CHECK_OK(write_bytes(tells, "r", 1));
    if (asks) CHECK_OK(wasix_proc_snapshot());
    while (!users) wasix_thread_sleep(1000000);
    wasi_proc_exit(20 + users);
    __builtin_unreachable();
  }
  if (tells >= 0) CHECK(read_one(own_pipe[0]) == 'r');
  CHECK_OK(wasix_proc_signal((uint32_t)child, WASI_SIGNAL_STOP));
  struct wasi_option_pid which = {.tag = WASI_OPTION_SOME, .u.some = child};
  struct wasi_join_status status;
  CHECK_OK(wasix_proc_join(&which, WASI_JOIN_FLAGS_WAKE_STOPPED, &status));
  CHECK(status.tag == WASI_JOIN_STATUS_TYPE_STOPPED);
  CHECK_OK(wasix_proc_signal((uint32_t)child, WASI_SIGNAL_USR1));
  return child;
}

// Children that are stopped, before they begin and later, with a signal that waits for them: they go on by another signal, wherever they are.
static void stopped(void) {
  wasix_callback_signal("take_signal", 11);
  CHECK_OK(wasix_fd_pipe(&own_pipe[0], &own_pipe[1]));
  int32_t children[] = {stopped_child(-1, 0), stopped_child(own_pipe[1], 0), stopped_child(-1, 1)};
  print("ready\n");
  char go = 0;
  CHECK(read_through(0, &go, 1) == 1 && go == 'g');
  for (uint32_t index = 0; index < 3; index++) {
    struct wasi_option_pid which = {.tag = WASI_OPTION_SOME, .u.some = children[index]};
    struct wasi_join_status status;
    CHECK_OK(wasix_proc_join(&which, WASI_JOIN_FLAGS_NON_BLOCKING, &status));
    CHECK(which.u.some == 0);
    CHECK_OK(wasix_proc_signal((uint32_t)children[index], WASI_SIGNAL_CONT));
    expect_exit(children[index], 21);
  }
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {{"threads", threads}, {"family", family}, {"many", many}, {"host", host}, {"state", state}, {"stopped", stopped}};
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (text_equal(name, cases[index].name)) cases[index].run();
  }
  print("%s: done\n", name);
  return 0;
}
