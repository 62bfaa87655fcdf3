// guest: libc
// Pipes and poll: what reads and writes answer on full, empty and broken pipes, and what is ready when.
#include "oracle.h"
#ifndef __wasi__
#include <signal.h>
#endif

static void show_events(const char *what, int fd, short events) {
  struct pollfd one = {.fd = fd, .events = events};
  int count = poll(&one, 1, 0);
  printf("poll %s: %d", what, count);
  if (count > 0) {
    if (one.revents & POLLIN) printf(" in");
    if (one.revents & POLLOUT) printf(" out");
    if (one.revents & POLLHUP) printf(" hangup");
    if (one.revents & POLLERR) printf(" error");
    if (one.revents & POLLNVAL) printf(" invalid");
  }
  printf("\n");
}

int main(int argc, char **argv) {
  if (argc < 2 || chdir(argv[1]) != 0) return 2;
#ifndef __wasi__
  signal(SIGPIPE, SIG_IGN);
#endif
  static char bytes[200000];
  int fds[2];
  SHOW(pipe(fds));
  show_events("empty, to read", fds[0], POLLIN);
  show_events("empty, to write", fds[1], POLLOUT);
  SHOW_OK(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  SHOW(read(fds[0], bytes, 10));
  SHOW(write(fds[1], "0123456789", 10));
  show_events("filled, to read", fds[0], POLLIN);
  SHOW(read(fds[0], bytes, 4));
  SHOW(read(fds[0], bytes, 100));
  SHOW(write(fds[1], "", 0));
  SHOW(read(fds[0], bytes, 0));
  SHOW(read(fds[1], bytes, 1));
  SHOW(write(fds[0], bytes, 1));
  SHOW(lseek(fds[0], 0, SEEK_CUR));
  SHOW(pread(fds[0], bytes, 1, 0));
  SHOW(pwrite(fds[1], bytes, 1, 0));
  SHOW_OK(ftruncate(fds[1], 0));
  SHOW_OK(fsync(fds[1]));
  SHOW_OK(fcntl(fds[1], F_SETFL, O_NONBLOCK));
  SHOW(write(fds[1], bytes, sizeof bytes));
  SHOW(write(fds[1], bytes, 1));
  SHOW(write(fds[1], bytes, 4096));
  show_events("full, to write", fds[1], POLLOUT);
  SHOW(read(fds[0], bytes, 4095));
  SHOW(read(fds[0], bytes, 1));
  SHOW(write(fds[1], bytes, 4096));
  SHOW(write(fds[1], bytes, 1));
  SHOW(read(fds[0], bytes, sizeof bytes));
  struct stat status;
  SHOW(fstat(fds[0], &status));
  printf("  %s\n", S_ISREG(status.st_mode) ? "a file" : S_ISDIR(status.st_mode) ? "a directory" : "neither");
  SHOW(write(fds[1], "last", 4));
  SHOW(close(fds[1]));
  show_events("without writers, with bytes", fds[0], POLLIN);
  SHOW(read(fds[0], bytes, 100));
  SHOW(read(fds[0], bytes, 100));
  SHOW(read(fds[0], bytes, 100));
  SHOW(close(fds[0]));
  SHOW(pipe(fds));
  int copy = dup(fds[0]);
  SHOW(close(fds[0]));
  SHOW(write(fds[1], "x", 1));
  SHOW(close(copy));
  SHOW(write(fds[1], "x", 1));
  SHOW(write(fds[1], "x", 0));
  SHOW(close(fds[1]));
  put_file("file", "text");
  int file = open("file", O_RDWR);
  show_events("a file", file, POLLIN | POLLOUT);
  SHOW(lseek(file, 0, SEEK_END));
  show_events("a file at its end", file, POLLIN);
  SHOW(close(file));
  SHOW(unlink("file"));
  return 0;
}
