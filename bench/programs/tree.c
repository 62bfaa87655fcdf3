// Time for many small files in a directory given as argument: making them, looking at all of them as `ls -lR` does, and
// removing them. An ordinary C program. The second argument is the number of files, a hundred to a folder.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER 100
#define BYTES 100

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void fail(const char *what) {
  printf("%s: %s\n", what, strerror(errno));
  exit(1);
}

static void make(const char *top, int files) {
  static const char bytes[BYTES];
  char path[600];
  if (mkdir(top, 0755)) fail(top);
  for (int file = 0; file < files; file++) {
    if (file % FOLDER == 0) {
      snprintf(path, sizeof path, "%s/folder-%d", top, file / FOLDER);
      if (mkdir(path, 0755)) fail("mkdir");
    }
    snprintf(path, sizeof path, "%s/folder-%d/file-%d.txt", top, file / FOLDER, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0) fail("open");
    if (write(fd, bytes, BYTES) != BYTES) fail("write");
    if (close(fd)) fail("close");
  }
}

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

// The lines that `ls -lR` prints, which nobody reads: their number.
static int list(const char *path) {
  static char line[800];
  DIR *directory = opendir(path);
  if (!directory) fail("opendir");
  char *names[FOLDER + 2];
  int count = 0, lines = 0;
  for (struct dirent *entry; count < FOLDER && (entry = readdir(directory));)
    if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
  closedir(directory);
  qsort(names, (size_t)count, sizeof *names, compare);
  for (int index = 0; index < count; index++) {
    char inner[600];
    struct stat status;
    snprintf(inner, sizeof inner, "%s/%s", path, names[index]);
    if (lstat(inner, &status)) fail("lstat");
    snprintf(line, sizeof line, "%o %d %lld %lld %s", (unsigned)status.st_mode,
             (int)status.st_nlink, (long long)status.st_size, (long long)status.st_mtime,
             names[index]);
    lines++;
    if (S_ISDIR(status.st_mode)) lines += list(inner);
    free(names[index]);
  }
  return lines;
}

static void clear(const char *top, int files) {
  char path[600];
  for (int file = 0; file < files; file++) {
    snprintf(path, sizeof path, "%s/folder-%d/file-%d.txt", top, file / FOLDER, file);
    if (unlink(path)) fail("unlink");
    if (file % FOLDER != FOLDER - 1) continue;
    snprintf(path, sizeof path, "%s/folder-%d", top, file / FOLDER);
    if (rmdir(path)) fail("rmdir");
  }
  if (rmdir(top)) fail("rmdir");
}

int main(int count, char **arguments) {
  const char *directory = count > 1 ? arguments[1] : "/tmp";
  int files = count > 2 ? atoi(arguments[2]) : 10000;
  if (files < FOLDER || files > FOLDER * FOLDER || files % FOLDER) fail("the second argument");
  char top[512];
  mkdir(directory, 0755);
  snprintf(top, sizeof top, "%s/tree-%d", directory, (int)(now() % 1000000));
  int64_t before = now();
  make(top, files);
  int64_t made = now();
  if (list(top) != files + files / FOLDER) fail("the number of lines");
  int64_t listed = now();
  clear(top, files);
  printf("create_files %lld ns\n", (long long)(made - before));
  printf("list_files %lld ns\n", (long long)(listed - made));
  printf("remove_files %lld ns\n", (long long)(now() - listed));
  return 0;
}
