// guest: threads
// Another program in the place of this one, and children that share its memory until they have one. The argument names the case.
#include "children.h"

static int32_t exec(const char *name, const char *lines) {
  return wasix_proc_exec3(name, text_length(name), lines, text_length(lines), NULL, 0, 0, NO_PATH, 0);
}

static void test_same_pid(void) {
  print("%d\n", own_pid());
  exec(SELF, "self\npid");
  CHECK(false);
}

// What is marked so is closed, the rest stays, with its offset.
static void test_descriptors(void) {
  int32_t kept, closed;
  const char *path = "/tmp/file.txt";
  const uint64_t rights = WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_SEEK;
  CHECK_OK(wasi_path_open(3, 0, path, text_length(path), WASI_OFLAGS_CREAT, rights, 0, 0, &kept));
  CHECK_OK(write_bytes(kept, "abcdef", 6));
  uint64_t offset;
  CHECK_OK(wasi_fd_seek(kept, 2, WASI_WHENCE_SET, &offset));
  CHECK_OK(wasix_fd_dup(kept, &closed));
  CHECK_OK(wasix_fd_fdflags_set(closed, WASI_FDFLAGSEXT_CLOEXEC));
  CHECK(kept == 4 && closed == 5);
  // One that fails changes nothing.
  CHECK_ERRNO(WASI_ENOENT, exec("/bin/absent", "absent"));
  CHECK_ERRNO(WASI_ENOEXEC, exec("/bin/broken", "broken"));
  struct wasi_fdstat stat;
  CHECK_OK(wasi_fd_fdstat_get(closed, &stat));
  exec(SELF, "self\nread");
  CHECK(false);
}

static void do_read(void) {
  struct wasi_fdstat stat;
  CHECK_ERRNO(WASI_EBADF, wasi_fd_fdstat_get(5, &stat));
  static char bytes[16];
  write_bytes(1, bytes, read_all(4, bytes, sizeof bytes));
  print("\n");
}

// A shell's `exec 3>file`: the number of the preopened directory stands for a file, and absolute paths go by the directory all the same, here, in a child and in the next program.
static void test_taken(void) {
  const char *path = "/tmp/taken.txt";
  const uint64_t rights = WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_SEEK;
  int32_t file, other;
  CHECK_OK(wasi_path_open(3, 0, path, text_length(path), WASI_OFLAGS_CREAT, rights, rights, 0, &file));
  CHECK_OK(wasi_fd_close(3));
  struct wasi_filestat status;
  CHECK_OK(wasi_path_filestat_get(3, 0, "tmp", 3, &status));
  CHECK_OK(wasi_fd_renumber(file, 3));
  CHECK_OK(wasi_fd_close(file));
  CHECK_OK(write_bytes(3, "abc", 3));
  CHECK_OK(wasi_path_filestat_get(3, 0, path, text_length(path), &status));
  CHECK(status.size == 3);
  CHECK_ERRNO(WASI_ENOTDIR, wasi_path_filestat_get(3, 0, "tmp", 3, &status));
  CHECK_OK(wasi_path_open(3, 0, path, text_length(path), 0, WASI_RIGHTS_FD_READ, 0, 0, &other));
  CHECK(other == file);
  CHECK_OK(wasi_fd_close(other));
  expect_exit(spawn_self("self\ntaken-on\n3"), 0);
  exec(SELF, "self\ntaken-on\n6");
  CHECK(false);
}

static void do_taken_on(uint32_t size) {
  struct wasi_prestat preopen;
  CHECK_OK(wasi_fd_prestat_get(3, &preopen));
  CHECK(preopen.u.dir.pr_name_len == 1);
  CHECK_OK(write_bytes(3, "def", 3));
  struct wasi_filestat status;
  CHECK_OK(wasi_path_filestat_get(3, 0, "/tmp/taken.txt", 14, &status));
  CHECK(status.size == size + 3);
  // To another file, and back to the directory.
  CHECK_OK(wasi_fd_renumber(1, 3));
  CHECK_OK(write_bytes(3, "written\n", 8));
  if (size == 6) CHECK_OK(wasi_path_unlink_file(3, "/tmp/taken.txt", 14));
  CHECK_OK(wasi_fd_close(3));
  CHECK_OK(wasi_path_filestat_get(3, 0, "tmp", 3, &status));
}

static _Atomic uint32_t never;

static void *wait_for_ever(void *unused) {
  for (;;) word_wait(&never, 0, FOREVER);
  return unused;
}

static void *compute_for_ever(void *unused) {
  for (volatile int forever = 0;;) forever++;
  return unused;
}

static void *exec_in_thread(void *lines) {
  exec(SELF, lines);
  CHECK(false);
  return NULL;
}

// All other threads are gone, whatever they did, and the one that is left is the main one.
static void test_threads(void) {
  print("%d\n", own_pid());
  thread_start(wait_for_ever, NULL);
  thread_start(compute_for_ever, NULL);
  CHECK_OK(wasix_thread_sleep(2000000));
  thread_start(exec_in_thread, "self\npid");
  for (;;) word_wait(&never, 0, FOREVER);
}

// Two threads want another program: one of them gets it.
static void test_race(void) {
  thread_start(exec_in_thread, "self\nsay\nraced");
  exec(SELF, "self\nsay\nraced");
  CHECK(false);
}

static void test_environment(void) {
  const char *name = SELF, *lines = "self\nvariables", *variables = "A=1\nB=two";
  wasix_proc_exec3(name, 9, lines, text_length(lines), variables, text_length(variables), 0, NO_PATH, 0);
  CHECK(false);
}

static void do_variables(void) {
  uint32_t count, size;
  CHECK_OK(wasi_environ_sizes_get(&count, &size));
  uint8_t *variables[8];
  static char bytes[256];
  CHECK(count <= 8 && size <= sizeof bytes);
  CHECK_OK(wasi_environ_get(variables, bytes));
  for (uint32_t each = 0; each < count; each++) print("%s\n", (char *)variables[each]);
}

// proc_exec and proc_exec2 cannot fail: they end the process.
static void test_failing(void) { wasix_proc_exec("/bin/absent", 11, "absent", 6); }

static void test_many(int left) {
  if (left == 0) {
    print("%d\n", own_pid());
    return;
  }
  struct line lines = {.length = 0};
  const char *start = "self\nmany\n";
  for (; *start; start++) line_add(&lines, *start);
  line_add_number(&lines, (uint64_t)left - 1, 10);
  wasix_proc_exec3(SELF, 9, lines.text, lines.length, NULL, 0, 0, NO_PATH, 0);
  CHECK(false);
}

// A signal that waits does so for the next program, too.
static void test_waiting_signal(void) {
  expect_signal(spawn_self("self\nraise-and-exec"), WASI_SIGNAL_USR1);
  const struct wasi_signal_disposition ignored = {.sig = WASI_SIGNAL_USR1, .disp = WASI_DISPOSITION_IGNORE};
  const char *lines = "self\nraise-and-exec";
  int32_t pid;
  CHECK_OK(wasix_proc_spawn2(SELF, 9, lines, text_length(lines), NULL, 0, NULL, 0, &ignored, 1, 0, NO_PATH, 0, &pid));
  expect_exit(pid, 0);
}

static void do_raise_and_exec(void) {
  wasix_callback_signal("blocked", 7);
  CHECK_OK(wasi_proc_raise(WASI_SIGNAL_USR1));
  exec(SELF, "self\nsay\nit goes on");
  CHECK(false);
}

// ---------------------------------------------------------------------------------------------------------------------

static void test_vfork(void) {
  int32_t self = own_pid(), child = 0, other = 0;
  int32_t reader, writer;
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  CHECK_OK(wasix_proc_fork_env(&child));
  CHECK(child != self && own_pid() == child);
  CHECK_OK(wasix_proc_parent(child, &other));
  CHECK(other == self);
  CHECK_ERRNO(WASI_ENOTSUP, wasix_proc_fork_env(&other));
  // Its descriptors and its directory are its own; memory, locks and the thread are the parent's.
  CHECK_OK(wasi_fd_renumber(writer, 1));
  CHECK_OK(wasi_fd_close(writer));
  CHECK_OK(wasi_fd_close(reader));
  CHECK_OK(wasix_chdir("/tmp", 4));
  struct end end;
  CHECK_ERRNO(WASI_ECHILD, join_child(0, 0, &end));
  CHECK_ERRNO(WASI_ENOENT, exec("absent", "absent"));
  CHECK(own_pid() == child);
  CHECK_OK(exec(SELF, "self\nsay\nfrom the child"));
  CHECK(own_pid() == self);
  CHECK_OK(wasi_fd_close(writer));
  static char bytes[64];
  write_bytes(1, bytes, read_all(reader, bytes, sizeof bytes));
  expect_exit(child, 0);

  // One that a signal ends goes on until it would have a program; the parent hears of the signal.
  CHECK_OK(wasix_proc_fork_env(&child));
  CHECK_OK(wasix_proc_signal(child, WASI_SIGNAL_TERM));
  CHECK_OK(wasix_chdir("/tmp", 4));
  CHECK_OK(exec(SELF, "self\nsay\nnever"));
  CHECK(own_pid() == self);
  expect_signal(child, WASI_SIGNAL_TERM);

  CHECK_OK(wasix_proc_fork_env(&child));
  wasix_proc_exit2(11);
  CHECK(own_pid() == self);
  expect_exit(child, 11);
  uint8_t path[8];
  uint32_t length = sizeof path;
  CHECK_OK(wasix_getcwd(path, &length));
  CHECK(length == 1);
}

// The parent is killed while its thread calls as the child: both end.
static void test_vfork_killed(void) {
  int32_t child;
  CHECK_OK(wasix_proc_fork_env(&child));
  print("ready\n");
  for (;;) word_wait(&never, 0, FOREVER);
}

static void test_vfork_exit(void) {
  int32_t child;
  CHECK_OK(wasix_proc_fork_env(&child));
  wasi_proc_exit(3);
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  const char *what = argv[1];
  if (text_equal(what, "same-pid")) test_same_pid();
  else if (text_equal(what, "descriptors")) test_descriptors();
  else if (text_equal(what, "threads")) test_threads();
  else if (text_equal(what, "race")) test_race();
  else if (text_equal(what, "waiting-signal")) test_waiting_signal();
  else if (text_equal(what, "raise-and-exec")) do_raise_and_exec();
  else if (text_equal(what, "environment")) test_environment();
  else if (text_equal(what, "failing")) test_failing();
  else if (text_equal(what, "many")) test_many(argc > 2 ? (int)text_number(argv[2]) : 100);
  else if (text_equal(what, "vfork")) test_vfork();
  else if (text_equal(what, "vfork-killed")) test_vfork_killed();
  else if (text_equal(what, "vfork-exit")) test_vfork_exit();
  else if (text_equal(what, "pid")) print("%d\n", own_pid());
  else if (text_equal(what, "say")) print("%s\n", argv[2]);
  else if (text_equal(what, "taken")) test_taken();
  else if (text_equal(what, "taken-on")) do_taken_on((uint32_t)text_number(argv[2]));
  else if (text_equal(what, "read")) do_read();
  else if (text_equal(what, "variables")) do_variables();
  else return 2;
  return 0;
}
