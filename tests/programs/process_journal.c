// guest: threads
// instrumented: yes
// Does things that a journal keeps, waits to be ended with its host program, and sees what is there when it goes on. process_journal CASE
#include "children.h"

#define ROOT 3
static uint32_t step_count;

#define EVERY_RIGHT 0x1fffffffull

static int32_t open_at(const char *path, uint16_t flags) {
  int32_t fd = -1;
  // All but those to write.
  uint64_t rights = flags & WASI_OFLAGS_DIRECTORY ? EVERY_RIGHT & ~0x4001c0ull : EVERY_RIGHT;
  CHECK_OK(wasi_path_open(ROOT, 1, path, text_length(path), flags, rights, EVERY_RIGHT, 0, &fd));
  return fd;
}

static uint32_t read_some(int32_t fd, char *bytes, uint32_t room) {
  const struct wasi_iovec piece = {(uint8_t *)bytes, room};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_read(fd, &piece, 1, &count));
  return count;
}

static void expect_bytes(int32_t fd, const char *text) {
  char bytes[64];
  uint32_t length = text_length(text);
  CHECK(read_some(fd, bytes, length) == length && memcmp(bytes, text, length) == 0);
}

static uint64_t offset_of(int32_t fd) {
  uint64_t offset = 0;
  CHECK_OK(wasi_fd_seek(fd, 0, WASI_WHENCE_CUR, &offset));
  return offset;
}

// The host program is ended while this waits; where it goes on it is given a line.
static void wait_for_line(void) {
  char line[16];
  print("ready\n");
  if (read_some(0, line, sizeof line) == 0) {
    for (;;) CHECK_OK(wasix_thread_sleep(1000000000));
  }
}

// Which descriptors the life before had.
struct notes {
  int32_t file, append, copy, pipe[2], set, directory;
  uint64_t modified;
};

static bool is_second_life(struct notes *notes) {
  int32_t fd = -1;
  if (wasi_path_open(ROOT, 1, "notes", 5, 0, EVERY_RIGHT, EVERY_RIGHT, 0, &fd)) return false;
  CHECK(read_some(fd, (char *)notes, sizeof *notes) == sizeof *notes);
  CHECK_OK(wasi_fd_close(fd));
  return true;
}

static void *write_lines(void *argument) {
  int32_t fd = (int32_t)argument;
  for (uint32_t line = 0; line < 20; line++) CHECK_OK(write_bytes(fd, "line\n", 5));
  return NULL;
}

static void do_much(struct notes *notes) {
  CHECK_OK(wasi_path_create_directory(ROOT, "d", 1));
  CHECK_OK(wasi_path_create_directory(ROOT, "gone", 4));
  CHECK_OK(wasi_path_remove_directory(ROOT, "gone", 4));
  notes->file = open_at("d/f", WASI_OFLAGS_CREAT);
  CHECK_OK(write_bytes(notes->file, "0123456789", 10));
  uint64_t offset;
  CHECK_OK(wasi_fd_seek(notes->file, 2, WASI_WHENCE_SET, &offset));
  expect_bytes(notes->file, "23");
  CHECK_OK(wasix_fd_dup(notes->file, &notes->copy));
  CHECK_OK(wasi_path_rename(ROOT, "d/f", 3, ROOT, "d/g", 3));
  CHECK_OK(wasi_path_symlink("g", 1, ROOT, "d/link", 6));
  CHECK_OK(wasi_path_link(ROOT, 0, "d/g", 3, ROOT, "d/h", 3));
  notes->append = open_at("lines", WASI_OFLAGS_CREAT);
  // Freed and taken again.
  int32_t freed = open_at("d/g", 0);
  CHECK_OK(wasi_fd_close(freed));
  struct thread *threads[3];
  for (uint32_t index = 0; index < 3; index++) threads[index] = thread_start(write_lines, (void *)notes->append);
  for (uint32_t index = 0; index < 3; index++) thread_result(threads[index]);
  CHECK_OK(wasix_fd_pipe(&notes->pipe[0], &notes->pipe[1]));
  CHECK_OK(write_bytes(notes->pipe[1], "read, kept", 10));
  expect_bytes(notes->pipe[0], "read, ");
  CHECK_OK(wasix_epoll_create(&notes->set));
  const struct wasi_epoll_event event = {.events = WASI_EPOLL_TYPE_EPOLLIN, .data = {.fd = notes->pipe[0], .data2 = 7}};
  CHECK_OK(wasix_epoll_ctl(notes->set, WASI_EPOLL_CTL_ADD, notes->pipe[0], &event));
  notes->directory = open_at("d", WASI_OFLAGS_DIRECTORY);
  CHECK_OK(wasi_path_create_directory(notes->directory, "in", 2));
  CHECK_OK(wasix_chdir("/d", 2));
  int32_t closed = open_at("unlinked", WASI_OFLAGS_CREAT);
  CHECK_OK(wasi_fd_close(closed));
  CHECK_OK(wasi_path_unlink_file(ROOT, "unlinked", 8));
  // A child shares what is open, and changes it.
  int32_t pid = -1;
  CHECK_OK(wasix_proc_fork(1, &pid));
  if (pid == 0) {
    CHECK_OK(write_bytes(notes->pipe[1], " by both", 8));
    CHECK_OK(wasi_path_create_directory(ROOT, "child", 5));
    wasi_proc_exit(0);
    __builtin_unreachable();
  }
  expect_exit(pid, 0);
  struct wasi_filestat stat;
  CHECK_OK(wasi_fd_filestat_get(notes->file, &stat));
  notes->modified = stat.mtim;
  int32_t fd = open_at("notes", WASI_OFLAGS_CREAT);
  CHECK_OK(write_bytes(fd, notes, sizeof *notes));
  CHECK_OK(wasi_fd_close(fd));
}

static void see_much(const struct notes *notes) {
  CHECK(offset_of(notes->file) == 4 && offset_of(notes->copy) == 4);
  expect_bytes(notes->copy, "456");
  CHECK(offset_of(notes->file) == 7);
  CHECK(offset_of(notes->append) == 300);
  char cwd[16];
  uint32_t length = sizeof cwd;
  CHECK_OK(wasix_getcwd(cwd, &length));
  CHECK(memcmp(cwd, "/d", 2) == 0);
  struct wasi_epoll_event event;
  uint32_t count = 0;
  CHECK_OK(wasix_epoll_wait(notes->set, &event, 1, 0, &count));
  CHECK(count == 1 && event.data.data2 == 7);
  expect_bytes(notes->pipe[0], "kept by both");
  CHECK_OK(write_bytes(notes->pipe[1], "more", 4));
  expect_bytes(notes->pipe[0], "more");
  struct wasi_filestat stat;
  CHECK_OK(wasi_path_filestat_get(notes->directory, 0, "in", 2, &stat));
  CHECK_OK(wasi_path_filestat_get(ROOT, 0, "child", 5, &stat));
  CHECK(wasi_path_filestat_get(ROOT, 0, "gone", 4, &stat) == WASI_ENOENT);
  CHECK(wasi_path_filestat_get(ROOT, 0, "unlinked", 8, &stat) == WASI_ENOENT);
  CHECK_OK(wasi_path_filestat_get(ROOT, 1, "d/link", 6, &stat));
  CHECK(stat.size == 10 && stat.nlink == 2 && stat.mtim == notes->modified);
  // The next descriptor is another one than all of these.
  int32_t fd = open_at("d/h", 0);
  CHECK(fd != notes->file && fd != notes->append && fd != notes->copy && fd != notes->set && fd != notes->directory);
  print("all there\n");
}

// Nothing asks for a snapshot: the program begins again.
static void begins_again(void) {
  struct notes notes = {0};
  if (is_second_life(&notes)) see_much(&notes);
  else do_much(&notes);
  wait_for_line();
}

static _Atomic uint32_t helped;

static void *ask_too(void *argument) {
  CHECK_OK(wasix_proc_snapshot());
  helped = (uint32_t)argument;
  word_wake_all(&helped);
  return NULL;
}

// It goes on where it asked, with what it had then; what came after it does again.
static void goes_on(void) {
  struct notes notes = {0};
  do_much(&notes);
  volatile uint32_t on_stack = 5;
  struct thread *helper = thread_start(ask_too, (void *)9);
  CHECK_OK(wasix_proc_snapshot());
  thread_result(helper);
  CHECK(on_stack == 5 && helped == 9);
  see_much(&notes);
  CHECK_OK(wasi_fd_close(notes.file));
  int32_t fd = open_at("after", WASI_OFLAGS_CREAT | WASI_OFLAGS_EXCL);
  CHECK_OK(write_bytes(fd, "after", 5));
  wait_for_line();
}

// A file of the host is opened, not emptied; and the offset is where it was.
static void host_file(void) {
  int32_t fd = 4;
  uint64_t offset;
  if (wasi_fd_seek(fd, 0, WASI_WHENCE_CUR, &offset)) {
    CHECK(open_at("host/f", WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC) == fd);
    CHECK_OK(write_bytes(fd, "0123456789", 10));
    CHECK_OK(wasi_path_create_directory(ROOT, "host/d", 6));
    CHECK_OK(wasi_fd_seek(fd, 3, WASI_WHENCE_SET, &offset));
  } else {
    expect_bytes(fd, "3456789");
    print("still there\n");
  }
  wait_for_line();
}

// The file `log` has all numbers below that in `count`, and perhaps that one. Killed anywhere, it goes on with the next.
static void steps(void) {
  uint32_t next = 0;
  int32_t fd = -1;
  if (wasi_path_open(ROOT, 1, "count", 5, 0, EVERY_RIGHT, EVERY_RIGHT, 0, &fd) == 0) {
    CHECK(read_some(fd, (char *)&next, sizeof next) == sizeof next);
    CHECK_OK(wasi_fd_close(fd));
  }
  int32_t log = open_at("log", WASI_OFLAGS_CREAT);
  struct wasi_filestat stat;
  CHECK_OK(wasi_fd_filestat_get(log, &stat));
  CHECK(stat.size == next * sizeof next || stat.size == (next + 1) * sizeof next);
  for (uint32_t index = 0, number = 0; index < stat.size / sizeof number; index++) {
    CHECK(read_some(log, (char *)&number, sizeof number) == sizeof number && number == index);
  }
  print("from %u\n", next);
  for (; next < step_count; next++) {
    uint64_t offset;
    CHECK_OK(wasi_fd_seek(log, (int64_t)(next * sizeof next), WASI_WHENCE_SET, &offset));
    CHECK_OK(write_bytes(log, &next, sizeof next));
    uint32_t done = next + 1;
    fd = open_at("count.new", WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC);
    CHECK_OK(write_bytes(fd, &done, sizeof done));
    CHECK_OK(wasi_fd_close(fd));
    CHECK_OK(wasi_path_rename(ROOT, "count.new", 9, ROOT, "count", 5));
  }
  CHECK_OK(wasi_fd_close(log));
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  if (argc > 2) step_count = text_number(argv[2]);
  static const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {{"begins-again", begins_again}, {"goes-on", goes_on}, {"host-file", host_file}, {"steps", steps}};
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    if (text_equal(name, cases[index].name)) cases[index].run();
  }
  print("%s: done\n", name);
  return 0;
}
