/*
 * For programs that run natively on Linux and in Weft, and must print the same (tests/libc/oracle.test.ts): what they print is the answers of calls, with errors by
 * name, since their numbers differ.
 */
#pragma once

#ifndef __wasi__
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __wasi__
/* What the C library for plain WASI leaves out. */
#define WASIX(name) __attribute__((import_module("wasix_32v1"), import_name(#name)))
int wasix_dup(int fd, int *copy) WASIX(fd_dup);
int wasix_pipe(int *reading, int *writing) WASIX(fd_pipe);

static int answer(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

static inline int dup(int fd) {
  int copy;
  return answer(wasix_dup(fd, &copy)) == 0 ? copy : -1;
}

static inline int pipe(int fds[2]) {
  return answer(wasix_pipe(&fds[0], &fds[1]));
}
#endif

static const char *error_name(int error) {
  switch (error) {
#define NAME(error) case error: return #error;
    NAME(EACCES) NAME(EAGAIN) NAME(EBADF) NAME(EBUSY) NAME(EEXIST) NAME(EFBIG) NAME(EINVAL) NAME(EIO) NAME(EISDIR)
    NAME(ELOOP) NAME(EMLINK) NAME(ENAMETOOLONG) NAME(ENOENT) NAME(ENOSPC) NAME(ENOTDIR) NAME(ENOTEMPTY) NAME(ENOTSUP)
    NAME(ENXIO) NAME(EOVERFLOW) NAME(EPERM) NAME(EPIPE) NAME(EROFS) NAME(ESPIPE) NAME(ETXTBSY) NAME(EXDEV)
#undef NAME
  }
  static char other[32];
  snprintf(other, sizeof other, "error %d", error);
  return other;
}

/** Prints what a call answered. */
#define SHOW(call)                                                                                                     \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    long long shown = (long long)(call);                                                                               \
    if (shown < 0) printf("%s: %s\n", #call, error_name(errno));                                                       \
    else printf("%s: %lld\n", #call, shown);                                                                           \
  } while (0)

/** The same for a call whose answer is a number of no meaning. */
#define SHOW_OK(call)                                                                                                  \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    int shown_error = (call) < 0 ? errno : 0;                                                                          \
    printf("%s: %s\n", #call, shown_error ? error_name(shown_error) : "ok");                                           \
  } while (0)

/** Does what must work for the rest to make sense. */
#define MUST(condition)                                                                                                \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s: %s\n", __LINE__, #condition, error_name(errno));                                            \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

static inline void put_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/** Prints type, links of what is no directory, and size of a file. */
static inline void show_status(const char *path) {
  struct stat status;
  if (lstat(path, &status) != 0) {
    printf("  %s: %s\n", path, error_name(errno));
    return;
  }
  if (S_ISDIR(status.st_mode)) printf("  %s: directory\n", path);
  else if (S_ISLNK(status.st_mode)) printf("  %s: link, %d links, %lld bytes\n", path, (int)status.st_nlink, (long long)status.st_size);
  else printf("  %s: file, %d links, %lld bytes\n", path, (int)status.st_nlink, (long long)status.st_size);
}

/** Prints a file's bytes from a position on. */
static inline void show_bytes(int fd, off_t position, size_t length) {
  char bytes[256] = {0};
  MUST(length < sizeof bytes);
  ssize_t count = pread(fd, bytes, length, position);
  if (count < 0) {
    printf("  bytes: %s\n", error_name(errno));
    return;
  }
  printf("  %d bytes: ", (int)count);
  for (ssize_t index = 0; index < count; index++) putchar(bytes[index] == 0 ? '0' : bytes[index] < 32 ? '?' : bytes[index]);
  putchar('\n');
}

/** Removes all that a path stands for. */
static inline void remove_all(const char *path) {
  if (unlink(path) == 0) return;
  DIR *directory = opendir(path);
  if (!directory) return;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    char inner[600];
    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
    remove_all(inner);
  }
  closedir(directory);
  rmdir(path);
}
