// guest: libc
// Files, directories and links through the C library, relative to the working directory, with the answers that POSIX gives.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "line %d: check failed: %s (errno %d: %s)\n", __LINE__, #condition, errno, strerror(errno));     \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

#define CHECK_FAILS(expected, call)                                                                                    \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    CHECK((call) == -1 && errno == (expected));                                                                        \
  } while (0)

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static void check_entries(const char *path, const char *expected) {
  char *names[16];
  size_t count = 0;
  DIR *directory = opendir(path);
  CHECK(directory);
  for (struct dirent *entry; (entry = readdir(directory)); count++) CHECK(names[count] = strdup(entry->d_name));
  CHECK(closedir(directory) == 0);
  qsort(names, count, sizeof *names, compare);
  char all[256] = "";
  for (size_t index = 0; index < count; index++) strcat(strcat(all, names[index]), " ");
  if (strcmp(all, expected)) fprintf(stderr, "%s: %s\n", path, all);
  CHECK(strcmp(all, expected) == 0);
}

static long size_of(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

static void check_directories(void) {
  CHECK(mkdir("d", 0777) == 0 && mkdir("d/e/", 0777) == 0);
  CHECK_FAILS(EEXIST, mkdir("d", 0777));
  CHECK_FAILS(ENOENT, mkdir("no/d", 0777));
  CHECK_FAILS(ENOTEMPTY, rmdir("d"));
  CHECK_FAILS(EINVAL, rename("d", "d/e/x"));
  CHECK(rename("d/e", "d/f") == 0);
  check_entries("d", ". .. f ");
  CHECK(rmdir("d/f") == 0);
  CHECK_FAILS(ENOENT, rmdir("d/f"));
  CHECK_FAILS(EISDIR, open("d", O_WRONLY));
}

static void check_contents(void) {
  char bytes[32] = "";
  int file = open("d/file", O_RDWR | O_CREAT | O_EXCL, 0644);
  CHECK(file > 2);
  CHECK_FAILS(EEXIST, open("d/file", O_RDWR | O_CREAT | O_EXCL, 0644));
  CHECK(write(file, "hello world", 11) == 11 && lseek(file, -5, SEEK_END) == 6);
  CHECK(read(file, bytes, 32) == 5 && memcmp(bytes, "world", 5) == 0 && read(file, bytes, 32) == 0);
  CHECK(pwrite(file, "J", 1, 0) == 1 && pread(file, bytes, 5, 0) == 5 && memcmp(bytes, "Jello", 5) == 0);
  CHECK_FAILS(EINVAL, lseek(file, -1, SEEK_SET));
  CHECK(lseek(file, 100, SEEK_SET) == 100 && write(file, "x", 1) == 1 && size_of("d/file") == 101);
  CHECK(ftruncate(file, 5) == 0 && size_of("d/file") == 5 && read(file, bytes, 1) == 0);
  CHECK(fsync(file) == 0 && close(file) == 0);
  CHECK_FAILS(EBADF, close(file));
  file = open("d/file", O_WRONLY | O_APPEND);
  CHECK(write(file, "1", 1) == 1 && lseek(file, 0, SEEK_SET) == 0 && write(file, "2", 1) == 1);
  CHECK_FAILS(EBADF, read(file, bytes, 1));
  CHECK(close(file) == 0 && size_of("d/file") == 7);
  CHECK_FAILS(ENOTDIR, open("d/file/x", O_RDONLY));
  CHECK_FAILS(ENOTDIR, open("d/file", O_RDONLY | O_DIRECTORY));
}

static void check_links(void) {
  char target[PATH_MAX];
  struct stat status;
  CHECK(symlink("file", "d/link") == 0 && size_of("d/link") == 7);
  CHECK(readlink("d/link", target, sizeof target) == 4 && memcmp(target, "file", 4) == 0);
  CHECK(lstat("d/link", &status) == 0 && S_ISLNK(status.st_mode));
  CHECK_FAILS(EINVAL, readlink("d/file", target, sizeof target));
  CHECK_FAILS(ELOOP, open("d/link", O_RDONLY | O_NOFOLLOW));
  CHECK(symlink("loop", "loop") == 0);
  CHECK_FAILS(ELOOP, open("loop", O_RDONLY));
  CHECK(symlink("made", "dangling") == 0);
  int file = open("dangling", O_WRONLY | O_CREAT, 0644);
  CHECK(file > 2 && close(file) == 0 && size_of("made") == 0);
  CHECK(link("d/file", "hard") == 0 && stat("hard", &status) == 0 && status.st_nlink == 2);
  CHECK(unlink("d/file") == 0 && size_of("hard") == 7);
  CHECK_FAILS(ENOENT, open("d/link", O_RDONLY));
  CHECK(rename("hard", "d/moved") == 0);
  check_entries("d", ". .. link moved ");
}

static void check_streams(void) {
  char line[64], word[16];
  int number;
  FILE *stream = fopen("stream", "w+");
  CHECK(stream && fprintf(stream, "%d %s %.2f\nsecond line\n", 42, "word", 2.5) == 25);
  rewind(stream);
  CHECK(fscanf(stream, "%d %15s", &number, word) == 2 && number == 42 && strcmp(word, "word") == 0);
  CHECK(fgets(line, sizeof line, stream) && strcmp(line, " 2.50\n") == 0);
  CHECK(ftell(stream) == 13 && fseek(stream, -5, SEEK_END) == 0 && fgetc(stream) == 'l' && ungetc('L', stream) == 'L');
  CHECK(fgets(line, sizeof line, stream) && strcmp(line, "Line\n") == 0 && !fgets(line, sizeof line, stream) && feof(stream));
  CHECK(fclose(stream) == 0);
  stream = fopen("big", "w");
  for (number = 0; number < 20000; number++) fprintf(stream, "%d\n", number);
  CHECK(fclose(stream) == 0 && size_of("big") == 108890);
  long sum = 0;
  stream = freopen("big", "r", stdin);
  while (scanf("%d", &number) == 1) sum += number;
  CHECK(sum == 199990000 && feof(stdin));
}

static void say_goodbye(void) { puts("bye"); }

int main(int argc, char **argv) {
  char path[PATH_MAX];
  CHECK(argc == 2);
  check_directories();
  check_contents();
  check_links();
  check_streams();
  // This library keeps the working directory itself, and begins where the process does.
  CHECK(chdir("d") == 0 && access("moved", F_OK) == 0 && size_of("../stream") == 25);
  CHECK_FAILS(ENOENT, chdir("nowhere"));
  snprintf(path, sizeof path, "%s/d/moved", argv[1]);
  CHECK(size_of(path) == 7 && unlink(path) == 0 && unlink("link") == 0);
  atexit(say_goodbye);
  printf("without a newline at the end: ");
  return 0;
}
