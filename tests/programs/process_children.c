// guest: threads
// Children: starting programs, their descriptors, strings and directories, and waiting for them. The argument names the case; the rest are what a
// child of a case does.
#include "children.h"

static int32_t open_pipe(int32_t *writer) {
  int32_t reader;
  CHECK_OK(wasix_fd_pipe(&reader, writer));
  return reader;
}

static void test_join(void) {
  struct end end;
  CHECK_ERRNO(WASI_ECHILD, join_child(0, 0, &end));
  CHECK_ERRNO(WASI_ECHILD, join_child(own_pid(), 0, &end));
  int32_t pids[4];
  for (int each = 0; each < 4; each++) pids[each] = spawn_self(each % 2 ? "self\nexit\n7" : "self\nexit\n0");
  expect_exit(pids[3], 7);
  CHECK_ERRNO(WASI_ECHILD, join_child(pids[3], 0, &end));
  uint32_t sum = 0;
  for (int each = 0; each < 3; each++) {
    CHECK_OK(join_child(0, 0, &end));
    sum += end.code;
  }
  CHECK(sum == 7);
  CHECK_ERRNO(WASI_ECHILD, join_child(0, WASI_JOIN_FLAGS_NON_BLOCKING, &end));
}

static void test_poll(void) {
  int32_t writer, reader = open_pipe(&writer);
  const struct wasi_proc_spawn_fd_op operations[] = {
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = reader, .fd = 0},
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_CLOSE, .fd = writer},
  };
  int32_t pid = spawn_with(SELF, "self\ncopy", operations, 2);
  struct end end;
  CHECK_OK(join_child(0, WASI_JOIN_FLAGS_NON_BLOCKING, &end));
  CHECK(end.pid == 0);
  CHECK_OK(wasi_fd_close(writer));
  expect_exit(pid, 0);
  // One that has ended waits to be asked for.
  pid = spawn_self("self\nexit\n3");
  do {
    CHECK_OK(wasix_thread_sleep(1000000));
    CHECK_OK(join_child(pid, WASI_JOIN_FLAGS_NON_BLOCKING, &end));
  } while (end.pid == 0);
  CHECK(end.code == 3);
}

// A pipeline of three: this one writes, two copy, this one reads.
static void test_pipeline(void) {
  int32_t in, out, between_in, between_out, last_in, last_out;
  CHECK_OK(wasix_fd_pipe(&in, &out));
  CHECK_OK(wasix_fd_pipe(&between_in, &between_out));
  CHECK_OK(wasix_fd_pipe(&last_in, &last_out));
  const int32_t all[] = {in, out, between_in, between_out, last_in, last_out};
  for (int each = 0; each < 6; each++) CHECK_OK(wasix_fd_fdflags_set(all[each], WASI_FDFLAGSEXT_CLOEXEC));
  const struct wasi_proc_spawn_fd_op first[] = {
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = in, .fd = 0},
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = between_out, .fd = 1},
  };
  const struct wasi_proc_spawn_fd_op second[] = {
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = between_in, .fd = 0},
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = last_out, .fd = 1},
  };
  int32_t pids[] = {spawn_with(SELF, "self\ncopy", first, 2), spawn_with(SELF, "self\ncopy", second, 2)};
  CHECK_OK(wasi_fd_close(in));
  CHECK_OK(wasi_fd_close(between_in));
  CHECK_OK(wasi_fd_close(between_out));
  CHECK_OK(wasi_fd_close(last_out));
  CHECK_OK(write_bytes(out, "through both\n", 13));
  CHECK_OK(wasi_fd_close(out));
  static char bytes[64];
  CHECK(read_all(last_in, bytes, sizeof bytes) == 13);
  write_bytes(1, bytes, 13);
  expect_exit(pids[0], 0);
  expect_exit(pids[1], 0);
}

// Where its own descriptor 3 is not, a child finds what an operation put there.
static void test_operations(void) {
  const char *path = "/tmp/out.txt";
  const uint64_t rights = WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_READ;
  const struct wasi_proc_spawn_fd_op operations[] = {
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_CHDIR, .path = (uint8_t *)"/tmp", .path_len = 4},
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_OPEN,
       .fd = 1,
       .path = (uint8_t *)"out.txt",
       .path_len = 7,
       .oflags = WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC,
       .fs_rights_base = rights,
       .fs_rights_inheriting = rights},
  };
  expect_exit(spawn_with(SELF, "self\ntell", operations, 2), 0);
  int32_t fd;
  CHECK_OK(wasi_path_open(3, 0, path, text_length(path), 0, WASI_RIGHTS_FD_READ, 0, 0, &fd));
  static char bytes[256];
  write_bytes(1, bytes, read_all(fd, bytes, sizeof bytes));

  struct wasi_proc_spawn_fd_op wrong = {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = 99, .fd = 0};
  int32_t pid;
  CHECK_ERRNO(WASI_EBADF, wasix_proc_spawn2(SELF, 9, "self", 4, NULL, 0, &wrong, 1, NULL, 0, 0, NO_PATH, 0, &pid));
  wrong.cmd = 77;
  CHECK_ERRNO(WASI_EINVAL, wasix_proc_spawn2(SELF, 9, "self", 4, NULL, 0, &wrong, 1, NULL, 0, 0, NO_PATH, 0, &pid));
  wrong = (struct wasi_proc_spawn_fd_op){.cmd = WASI_PROC_SPAWN_FD_OP_NAME_FCHDIR, .fd = 1};
  CHECK_ERRNO(WASI_ENOTDIR, wasix_proc_spawn2(SELF, 9, "self", 4, NULL, 0, &wrong, 1, NULL, 0, 0, NO_PATH, 0, &pid));
  struct end end;
  CHECK_ERRNO(WASI_ECHILD, join_child(0, 0, &end));

  CHECK_OK(wasi_path_create_directory(3, "/tmp/deep", 9));
  CHECK_OK(wasi_path_create_directory(3, "/tmp/deep/er", 12));
  CHECK_OK(wasi_path_open(3, 0, "/tmp/deep/er", 12, WASI_OFLAGS_DIRECTORY, WASI_RIGHTS_FD_READDIR, 0, 0, &fd));
  const struct wasi_proc_spawn_fd_op enter = {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_FCHDIR, .fd = fd};
  expect_exit(spawn_with(SELF, "self\ntell", &enter, 1), 0);
}

static void test_strings(void) {
  // Arrays keep what lines cannot: empty strings and line feeds.
  const uint8_t *strings[] = {(const uint8_t *)"self", (const uint8_t *)"tell", (const uint8_t *)"", (const uint8_t *)"two\nlines"};
  const uint8_t *variables[] = {(const uint8_t *)"ONLY=this"};
  int32_t pid;
  CHECK_OK(wasix_proc_spawn3(SELF, 9, strings, 4, variables, 1, NULL, 0, NULL, 0, 0, NO_PATH, 0, &pid));
  expect_exit(pid, 0);
  const char *lines = "self\ntell\n\nthree\r\nfour\n";
  CHECK_OK(wasix_proc_spawn2(SELF, 9, lines, text_length(lines), NULL, 0, NULL, 0, NULL, 0, 0, NO_PATH, 0, &pid));
  expect_exit(pid, 0);
  CHECK_ERRNO(WASI_EINVAL, wasix_proc_spawn2(SELF, 9, "self", 4, "=x", 2, NULL, 0, NULL, 0, 0, NO_PATH, 0, &pid));
}

static void spawn_named(int32_t expected, const char *name, uint8_t search, const char *path) {
  int32_t pid;
  const char *lines = "self\nexit\n5";
  CHECK_ERRNO(expected, wasix_proc_spawn2(name, text_length(name), lines, text_length(lines), NULL, 0, NULL, 0, NULL, 0, search,
                                          path, text_length(path), &pid));
  if (expected == WASI_SUCCESS) expect_exit(pid, 5);
}

static void test_search(void) {
  spawn_named(WASI_SUCCESS, "self", 1, "");
  spawn_named(WASI_SUCCESS, "self", 1, "/nowhere:/bin");
  spawn_named(WASI_SUCCESS, "bin/self", 0, "");
  spawn_named(WASI_ENOENT, "self", 0, "");
  spawn_named(WASI_ENOENT, "self", 1, "/tmp");
  spawn_named(WASI_ENOENT, "absent", 1, "");
  spawn_named(WASI_EACCES, "/bin", 0, "");
  spawn_named(WASI_ENOTDIR, "/bin/self/x", 0, "");
  spawn_named(WASI_ENOEXEC, "/bin/text", 0, "");
  spawn_named(WASI_ENOEXEC, "/bin/broken", 0, "");
  spawn_named(WASI_ELOOP, "/bin/circle", 0, "");
  expect_exit(spawn_with("/bin/script", "script\nlast", NULL, 0), 0);
}

// Orphans go on, and are waited for by nobody.
static void test_orphans(void) {
  int32_t writer, reader = open_pipe(&writer);
  const struct wasi_proc_spawn_fd_op output = {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = writer, .fd = 1};
  expect_exit(spawn_with(SELF, "self\nleave", &output, 1), 0);
  CHECK_OK(wasi_fd_close(writer));
  static char bytes[64];
  write_bytes(1, bytes, read_all(reader, bytes, sizeof bytes));
}

static void test_signals(void) {
  int32_t writer, reader = open_pipe(&writer);
  const struct wasi_proc_spawn_fd_op operations[] = {
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_DUP2, .src_fd = reader, .fd = 0},
      {.cmd = WASI_PROC_SPAWN_FD_OP_NAME_CLOSE, .fd = writer},
  };
  int32_t pid = spawn_with(SELF, "self\ncopy", operations, 2);
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_CHLD));
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_TERM));
  expect_signal(pid, WASI_SIGNAL_TERM);
  pid = spawn_self("self\ncompute");
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_KILL));
  expect_signal(pid, WASI_SIGNAL_KILL);
  CHECK_ERRNO(WASI_ESRCH, wasix_proc_signal(pid, WASI_SIGNAL_KILL));
  // What it is told to ignore it ignores.
  const struct wasi_signal_disposition ignored = {.sig = WASI_SIGNAL_TERM, .disp = WASI_DISPOSITION_IGNORE};
  CHECK_OK(wasix_proc_spawn2(SELF, 9, "self\ncopy", 9, NULL, 0, operations, 2, &ignored, 1, 0, NO_PATH, 0, &pid));
  CHECK_OK(wasix_proc_signal(pid, WASI_SIGNAL_TERM));
  CHECK_OK(wasi_fd_close(writer));
  expect_exit(pid, 0);
  // A trap ends a child with the code of traps.
  expect_exit(spawn_self("self\ntrap"), 45);
}

static void *spawn_in_thread(void *lines) {
  int32_t pid = spawn_self(lines);
  expect_exit(pid, 9);
  return NULL;
}

static void test_threads(void) {
  struct thread *threads[4];
  for (int each = 0; each < 4; each++) threads[each] = thread_start(spawn_in_thread, "self\nexit\n9");
  for (int each = 0; each < 4; each++) thread_result(threads[each]);
}

static void test_handles(void) {
  struct wasi_process_handles handles;
  CHECK_OK(wasix_proc_spawn("self", 4, 0, "self\ncopy", 9, NULL, 0, WASI_STDIO_MODE_PIPED, WASI_STDIO_MODE_PIPED,
                            WASI_STDIO_MODE_NULL, "/tmp", 4, &handles));
  CHECK(handles.stdin.tag == WASI_OPTION_SOME && handles.stdout.tag == WASI_OPTION_SOME && handles.stderr.tag == WASI_OPTION_NONE);
  CHECK_OK(write_bytes(handles.stdin.u.some, "and back\n", 9));
  CHECK_OK(wasi_fd_close(handles.stdin.u.some));
  static char bytes[64];
  write_bytes(1, bytes, read_all(handles.stdout.u.some, bytes, sizeof bytes));
  expect_exit(handles.pid, 0);
}

// ---------------------------------------------------------------------------------------------------------------------

static void do_tell(int argc, char **argv) {
  static char path[256];
  uint32_t length = sizeof path;
  CHECK_OK(wasix_getcwd((uint8_t *)path, &length));
  path[length] = 0;
  print("in %s:", path);
  for (int each = 1; each < argc; each++) print(" [%s]", argv[each]);
  uint32_t count, size;
  CHECK_OK(wasi_environ_sizes_get(&count, &size));
  uint8_t *variables[8];
  static char bytes[256];
  CHECK(count <= 8 && size <= sizeof bytes);
  CHECK_OK(wasi_environ_get(variables, bytes));
  for (uint32_t each = 0; each < count; each++) print(" %s", (char *)variables[each]);
  print("\n");
}

static void do_copy(void) {
  static char bytes[4096];
  write_bytes(1, bytes, read_all(0, bytes, sizeof bytes));
}

// Starts another and leaves it alone.
static void do_leave(void) { spawn_self("self\nlate"); }

static void do_late(void) {
  int32_t parent;
  do {
    CHECK_OK(wasix_thread_sleep(1000000));
    CHECK_OK(wasix_proc_parent(own_pid(), &parent));
  } while (parent != 0);
  print("an orphan\n");
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  const char *what = argv[1];
  if (text_equal(what, "join")) test_join();
  else if (text_equal(what, "poll")) test_poll();
  else if (text_equal(what, "pipeline")) test_pipeline();
  else if (text_equal(what, "operations")) test_operations();
  else if (text_equal(what, "strings")) test_strings();
  else if (text_equal(what, "search")) test_search();
  else if (text_equal(what, "orphans")) test_orphans();
  else if (text_equal(what, "signals")) test_signals();
  else if (text_equal(what, "threads")) test_threads();
  else if (text_equal(what, "handles")) test_handles();
  else if (text_equal(what, "exit")) return (int)text_number(argv[2]);
  else if (text_equal(what, "tell")) do_tell(argc, argv);
  else if (text_equal(what, "copy")) do_copy();
  else if (text_equal(what, "leave")) do_leave();
  else if (text_equal(what, "late")) do_late();
  else if (text_equal(what, "trap")) __builtin_trap();
  else if (text_equal(what, "compute")) for (volatile int forever = 0;;) forever++;
  else return 2;
  return 0;
}
