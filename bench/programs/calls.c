// Time for each system call on files and pipes, in a directory given as argument. An ordinary C
// program: natively with the system's C library, as a guest with wasi-libc.
//
// Each call is made in batches and the median batch counts, so that a pause of the machine does not
// decide. A batch is doubled until it lasts 20 ms, which warms the host and makes a clock of 1 ms,
// as some hosts have, fine enough.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 9
#define BATCH_NS 20000000
#define MIB (1 << 20)

#ifdef __wasm__
// wasi-libc has no pipe(); this is the WASIX call behind it.
__attribute__((import_module("wasix_32v1"), import_name("fd_pipe"))) int fd_pipe(int *, int *);
static int make_pipe(int ends[2]) { return fd_pipe(&ends[0], &ends[1]) == 0 ? 0 : -1; }
#else
static int make_pipe(int ends[2]) { return pipe(ends); }
#endif

static char path[512], small[64], *large;
static int file, ends[2];

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void fail(const char *what) {
  printf("%s: %s\n", what, strerror(errno));
  exit(1);
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return a < b ? -1 : a > b;
}

static void call_clock(int i) {
  struct timespec time;
  (void)i;
  if (clock_gettime(CLOCK_MONOTONIC, &time)) fail("clock_gettime");
}
static void call_write(int i) {
  (void)i;
  if (write(file, small, sizeof small) != sizeof small) fail("write");
}
static void call_pread(int i) {
  if (pread(file, small, sizeof small, (i % 1000) * 64) != sizeof small) fail("pread");
}
static void call_lseek(int i) {
  if (lseek(file, (i & 1) * 64, SEEK_SET) < 0) fail("lseek");
}
static void call_stat(int i) {
  struct stat status;
  (void)i;
  if (stat(path, &status)) fail("stat");
}
static void call_open_close(int i) {
  (void)i;
  int other = open(path, O_RDONLY);
  if (other < 0) fail("open");
  if (close(other)) fail("close");
}
static void call_pipe(int i) {
  (void)i;
  if (write(ends[1], small, sizeof small) != sizeof small) fail("write to the pipe");
  if (read(ends[0], small, sizeof small) != sizeof small) fail("read from the pipe");
}

// Back to an empty file, so that each batch of writes appends to a file as long as any other's.
static void rewind_file(void) {
  if (ftruncate(file, 0)) fail("ftruncate");
  if (lseek(file, 0, SEEK_SET)) fail("lseek");
}

static double batch(void (*call)(int), int count) {
  if (call == call_write) rewind_file();
  int64_t before = now();
  for (int i = 0; i < count; i++) call(i);
  return (double)(now() - before);
}

// Prints the median over the batches of the time for one call.
static void measure(const char *name, void (*call)(int)) {
  double batches[BATCHES];
  int count = 1024;
  while (batch(call, count) < BATCH_NS && count < 1 << 24) count *= 2;
  for (int i = 0; i < BATCHES; i++) batches[i] = batch(call, count) / count;
  qsort(batches, BATCHES, sizeof batches[0], compare);
  printf("%s %.1f ns\n", name, batches[BATCHES / 2]);
}

// Prints the rate of moving the whole file once, from its start, 1 MiB a call.
static void stream(const char *name, int writing, int count) {
  if (lseek(file, 0, SEEK_SET)) fail("lseek");
  int64_t before = now();
  for (int i = 0; i < count; i++)
    if ((writing ? write(file, large, MIB) : read(file, large, MIB)) != MIB)
      fail(writing ? "write of 1 MiB" : "read of 1 MiB");
  printf("%s %.1f MB/s\n", name, (double)count * MIB * 1e3 / (double)(now() - before));
}

int main(int count, char **arguments) {
  const char *directory = count > 1 ? arguments[1] : "/tmp";
  int mebibytes = count > 2 ? atoi(arguments[2]) : 256;
  if (mebibytes < 1) fail("the second argument must be at least 1");
  mkdir(directory, 0755);
  snprintf(path, sizeof path, "%s/calls-%d.dat", directory, (int)(now() % 1000000));
  large = malloc(MIB);
  if (!large) fail("malloc");
  memset(large, 'x', MIB);
  file = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
  if (file < 0) fail(path);

  measure("clock_gettime", call_clock);
  measure("write_64", call_write);
  measure("pread_64", call_pread);
  measure("lseek", call_lseek);
  measure("stat", call_stat);
  measure("open_close", call_open_close);
  if (make_pipe(ends)) fail("pipe");
  measure("pipe_64", call_pipe);
  rewind_file();
  stream("write_1m", 1, mebibytes);
  stream("read_1m", 0, mebibytes);
  stream("rewrite_1m", 1, mebibytes);

  close(file);
  unlink(path);
  return 0;
}
