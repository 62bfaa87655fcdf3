// What measurements of processes need besides the kit, in two versions: posix_spawn, waitpid, pipe and signals of Linux, and the calls of WASIX.
// As a guest the program finds itself at /bin/self.
//
//   spawn_self(what, number, in, out)  starts this program as a child with two numbers as arguments; descriptors of -1 are this one's own. Its pid
//   fork_self()                        0 in the child, and its pid in the parent
//   leave(code)                        ends this process
//   wait_child(pid)                    its exit code
//   make_pipe(ends)                    the end to read from, then the one to write to; children get neither by themselves
//   close_end(end)
//   read_end(end, bytes, size), write_end(end, bytes, size)   bytes moved
//   own_pid(), parent_pid()
//   send(pid, signal)                  USER_SIGNAL or KILL_SIGNAL
//   on_signal(handler)                 what to call for USER_SIGNAL

#ifdef __wasm__

typedef uint16_t u16;

typedef struct {
  u8 command;
  i32 fd, from;
  const char *path;
  u32 path_length, flags;
  u16 open_flags;
  u64 rights, inheriting;
  u16 fd_flags, more_flags;
} operation;

typedef struct {
  u8 tag;
  i32 pid;
} maybe_pid;

typedef struct {
  u8 tag;
  u16 code;
  u8 signal;
} child_status;

IMPORT("wasix_32v1", "proc_spawn2")
i32 proc_spawn2(const char *, u32, const char *, u32, const char *, u32, const operation *, u32,
                const void *, u32, i32 search, const char *, u32, i32 *pid);
IMPORT("wasix_32v1", "proc_fork") i32 proc_fork(i32 copies_memory, i32 *pid);
IMPORT("wasix_32v1", "proc_join") i32 proc_join(maybe_pid *, u32 flags, child_status *);
IMPORT("wasix_32v1", "proc_id") i32 proc_id(i32 *);
IMPORT("wasix_32v1", "proc_parent") i32 proc_parent(i32, i32 *);
IMPORT("wasix_32v1", "proc_signal") i32 proc_signal(i32, u32);
IMPORT("wasix_32v1", "callback_signal") void callback_signal(const char *, u32);
IMPORT("wasix_32v1", "fd_pipe") i32 fd_pipe(i32 *, i32 *);
IMPORT("wasix_32v1", "fd_fdflags_set") i32 fd_fdflags_set(i32, u32);
IMPORT("wasi_snapshot_preview1", "fd_close") i32 fd_close(i32);
IMPORT("wasi_snapshot_preview1", "fd_read") i32 fd_read(i32, const buffer *, u32, u32 *done);

#define USER_SIGNAL 10
#define KILL_SIGNAL 9

static inline u32 put_number(char *line, u32 at, u32 number) {
  char digits[10];
  u32 count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count) line[at++] = digits[--count];
  return at;
}

static inline i32 spawn_self(u32 what, u32 number, i32 in, i32 out) {
  char lines[32] = "self\n";
  u32 length = put_number(lines, 5, what);
  lines[length++] = '\n';
  length = put_number(lines, length, number);
  operation operations[2];
  u32 count = 0;
  if (in >= 0) operations[count++] = (operation){.command = 1, .fd = 0, .from = in};
  if (out >= 0) operations[count++] = (operation){.command = 1, .fd = 1, .from = out};
  i32 pid;
  if (proc_spawn2("/bin/self", 9, lines, length, 0, 0, operations, count, 0, 0, 0, 0, 0, &pid))
    fail("a process could not be started");
  return pid;
}

static inline i32 fork_self(void) {
  i32 pid;
  if (proc_fork(1, &pid)) fail("a process could not be copied");
  return pid;
}

static inline void leave(i32 code) { proc_exit(code); }

static inline i32 wait_child(i32 pid) {
  maybe_pid which = {1, pid};
  child_status status;
  while (proc_join(&which, 0, &status));
  return status.code;
}

static inline void make_pipe(i32 ends[2]) {
  if (fd_pipe(&ends[0], &ends[1])) fail("no pipe");
  fd_fdflags_set(ends[0], 1);
  fd_fdflags_set(ends[1], 1);
}

static inline void close_end(i32 end) { fd_close(end); }

static inline u32 read_end(i32 end, void *bytes, u32 size) {
  buffer piece = {bytes, size};
  u32 done = 0;
  return fd_read(end, &piece, 1, &done) ? 0 : done;
}

static inline u32 write_end(i32 end, const void *bytes, u32 size) {
  buffer piece = {bytes, size};
  u32 done = 0;
  return fd_write(end, &piece, 1, &done) ? 0 : done;
}

static inline i32 own_pid(void) {
  i32 pid = 0;
  proc_id(&pid);
  return pid;
}

static inline i32 parent_pid(void) {
  i32 pid = 0;
  proc_parent(own_pid(), &pid);
  return pid;
}

static inline void send(i32 pid, i32 signal) { proc_signal(pid, (u32)signal); }

static void (*signal_handler)(int);

__attribute__((export_name("take_signal"))) void take_signal(i32 signal) {
  if (signal == USER_SIGNAL) signal_handler(signal);
}

static inline void on_signal(void (*handler)(int)) {
  signal_handler = handler;
  callback_signal("take_signal", 11);
}

#else

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define USER_SIGNAL SIGUSR1
#define KILL_SIGNAL SIGKILL

extern char **environ;

static inline i32 spawn_self(u32 what, u32 number, i32 in, i32 out) {
  char first[16], second[16];
  snprintf(first, sizeof first, "%u", what);
  snprintf(second, sizeof second, "%u", number);
  char *values[] = {"processes", first, second, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (in >= 0) posix_spawn_file_actions_adddup2(&actions, in, 0);
  if (out >= 0) posix_spawn_file_actions_adddup2(&actions, out, 1);
  pid_t pid;
  if (posix_spawn(&pid, "/proc/self/exe", &actions, NULL, values, environ))
    fail("a process could not be started");
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

static inline i32 fork_self(void) {
  pid_t pid = fork();
  if (pid < 0) fail("a process could not be copied");
  return pid;
}

static inline void leave(i32 code) { _exit(code); }

static inline i32 wait_child(i32 pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0);
  return WEXITSTATUS(status);
}

static inline void make_pipe(i32 ends[2]) {
  if (pipe(ends) || fcntl(ends[0], F_SETFD, FD_CLOEXEC) || fcntl(ends[1], F_SETFD, FD_CLOEXEC))
    fail("no pipe");
}

static inline void close_end(i32 end) { close(end); }

static inline u32 read_end(i32 end, void *bytes, u32 size) {
  ssize_t done = read(end, bytes, size);
  return done < 0 ? 0 : (u32)done;
}

static inline u32 write_end(i32 end, const void *bytes, u32 size) {
  ssize_t done = write(end, bytes, size);
  return done < 0 ? 0 : (u32)done;
}

static inline i32 own_pid(void) { return getpid(); }
static inline i32 parent_pid(void) { return getppid(); }
static inline void send(i32 pid, i32 signal) { kill(pid, signal); }
static inline void on_signal(void (*handler)(int)) { signal(SIGUSR1, handler); }

#endif
