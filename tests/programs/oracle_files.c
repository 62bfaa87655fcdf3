// guest: libc
// flags: -D_WASI_EMULATED_MMAN -lwasi-emulated-mman
// Bytes of files: offsets, append, shared offsets, unlinked and replaced files that are open, sizes, holes, times, long names, chains of links,
// directories that change while they are read, mapped files.
#include "oracle.h"
#include <sys/mman.h>

static void use_offsets(void) {
  printf("-- offsets\n");
  int fd = open("offsets", O_RDWR | O_CREAT | O_TRUNC, 0666);
  SHOW(write(fd, "0123456789", 10));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, -3, SEEK_END));
  SHOW(write(fd, "abc+", 4));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, -1, SEEK_SET));
  SHOW(lseek(fd, -100, SEEK_CUR));
  SHOW(lseek(fd, 0, 99));
  SHOW(lseek(fd, 100, SEEK_SET));
  char bytes[20];
  SHOW(read(fd, bytes, 10));
  SHOW(pread(fd, bytes, 20, 5));
  SHOW(pread(fd, bytes, 20, 11));
  SHOW(pread(fd, bytes, 20, -1));
  SHOW(pwrite(fd, "x", 1, -1));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(pwrite(fd, "far", 3, 20));
  SHOW(lseek(fd, 0, SEEK_CUR));
  show_status("offsets");
  show_bytes(fd, 0, 30);
  SHOW(write(fd, "", 0));
  SHOW(read(fd, bytes, 0));
  SHOW(close(fd));
  SHOW(close(fd));
  SHOW(read(fd, bytes, 1));
  SHOW(lseek(fd, 0, SEEK_SET));
  fd = open("offsets", O_WRONLY);
  SHOW(read(fd, bytes, 1));
  SHOW(pread(fd, bytes, 1, 0));
  SHOW(close(fd));
  fd = open("offsets", O_RDONLY);
  SHOW(write(fd, "x", 1));
  SHOW(pwrite(fd, "x", 1, 0));
  SHOW_OK(ftruncate(fd, 1));
  printf("posix_fallocate: %s\n", error_name(posix_fallocate(fd, 0, 1)));
  SHOW(close(fd));
  fd = open(".", O_RDONLY);
  SHOW(read(fd, bytes, 1));
  SHOW(write(fd, "x", 1));
  SHOW_OK(ftruncate(fd, 1));
  SHOW(close(fd));
  SHOW(unlink("offsets"));
}

static void use_append(void) {
  printf("-- append\n");
  put_file("append", "start");
  int fd = open("append", O_RDWR | O_APPEND);
  int other = open("append", O_RDWR);
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(fd, "+one", 4));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, 2, SEEK_SET));
  SHOW(write(fd, "+two", 4));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(other, "S", 1));
  SHOW(lseek(other, 0, SEEK_END));
  SHOW(write(other, "+three", 6));
  SHOW(write(fd, "+four", 5));
  show_bytes(other, 0, 60);
  SHOW_OK(fcntl(other, F_GETFL) & O_APPEND);
  SHOW(fcntl(fd, F_GETFL) & O_APPEND ? 1 : 0);
  SHOW_OK(fcntl(fd, F_SETFL, 0));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(write(fd, "no", 2));
  show_bytes(other, 0, 60);
  SHOW(close(fd));
  SHOW(close(other));
  SHOW(unlink("append"));
}

static void share_offsets(void) {
  printf("-- shared offsets\n");
  put_file("shared", "0123456789");
  int fd = open("shared", O_RDWR);
  int copy = dup(fd);
  int own = open("shared", O_RDWR);
  char byte[2] = "";
  SHOW(read(fd, byte, 1));
  SHOW(read(copy, byte, 1));
  printf("  %s\n", byte);
  SHOW(lseek(copy, 5, SEEK_SET));
  SHOW(read(fd, byte, 1));
  printf("  %s\n", byte);
  SHOW(read(own, byte, 1));
  printf("  %s\n", byte);
  SHOW_OK(fcntl(copy, F_SETFL, O_APPEND));
  SHOW(fcntl(fd, F_GETFL) & O_APPEND ? 1 : 0);
  SHOW(write(fd, "!", 1));
  SHOW(lseek(copy, 0, SEEK_CUR));
  SHOW(close(fd));
  SHOW(read(copy, byte, 1));
  SHOW(close(copy));
  SHOW(close(own));
  SHOW_OK(dup(copy));
  SHOW(unlink("shared"));
}

static void lose_names(void) {
  printf("-- names that go\n");
  put_file("gone", "still here");
  int fd = open("gone", O_RDWR);
  struct stat status;
  SHOW(unlink("gone"));
  SHOW(fstat(fd, &status));
  printf("  %d links\n", (int)status.st_nlink);
  SHOW(write(fd, "STILL", 5));
  show_bytes(fd, 0, 20);
  SHOW_OK(open("gone", O_RDONLY));
  put_file("gone", "another");
  show_bytes(fd, 0, 20);
  SHOW(close(fd));
  put_file("new", "new");
  fd = open("gone", O_RDONLY);
  int moved = open("new", O_RDWR);
  SHOW(rename("new", "gone"));
  show_bytes(fd, 0, 20);
  SHOW(fstat(fd, &status));
  printf("  %d links\n", (int)status.st_nlink);
  SHOW(write(moved, "NEWER", 5));
  SHOW(close(moved));
  SHOW(close(fd));
  show_status("gone");
  show_status("new");
  SHOW(mkdir("away", 0777));
  int directory = open("away", O_RDONLY | O_DIRECTORY);
  SHOW(rmdir("away"));
  SHOW_OK(openat(directory, "x", O_WRONLY | O_CREAT, 0666));
  SHOW(mkdirat(directory, "x", 0777));
  DIR *listing = fdopendir(directory);
  int count = 0;
  while (readdir(listing)) count++;
  printf("%d names in a directory that was removed\n", count);
  SHOW(closedir(listing));
  SHOW(unlink("gone"));
}

static void set_sizes(void) {
  printf("-- sizes\n");
  int fd = open("size", O_RDWR | O_CREAT | O_TRUNC, 0666);
  SHOW(write(fd, "0123456789", 10));
  SHOW(ftruncate(fd, 4));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(fd, "end", 3));
  show_bytes(fd, 0, 30);
  SHOW(ftruncate(fd, 20));
  show_bytes(fd, 0, 30);
  SHOW(ftruncate(fd, -1));
  SHOW(truncate("size", -1));
  SHOW(truncate("size", 2));
  show_bytes(fd, 0, 30);
  SHOW(truncate("none", 2));
  SHOW(posix_fallocate(fd, 0, 8));
  show_bytes(fd, 0, 30);
  printf("posix_fallocate of nothing: %s\n", error_name(posix_fallocate(fd, 0, 0)));
  SHOW(ftruncate(fd, 0));
  /* A hole of 5 GB. */
  SHOW(pwrite(fd, "far", 3, 5000000000));
  show_status("size");
  show_bytes(fd, 4999999998, 10);
  show_bytes(fd, 2500000000, 5);
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(ftruncate(fd, 4000000000));
  SHOW(ftruncate(fd, 5000000001));
  show_bytes(fd, 4999999998, 10);
  SHOW(close(fd));
  SHOW(unlink("size"));
}

static void show_time(const char *what, struct timespec time) {
  /* To a microsecond, which is all that a directory of the host keeps. */
  printf("  %s %lld.%06ld\n", what, (long long)time.tv_sec, time.tv_nsec / 1000);
}

static void show_times(const char *path) {
  struct stat status;
  MUST(lstat(path, &status) == 0);
  show_time("accessed", status.st_atim);
  show_time("modified", status.st_mtim);
}

static int is_later(struct timespec left, struct timespec right) {
  return left.tv_sec > right.tv_sec || (left.tv_sec == right.tv_sec && left.tv_nsec > right.tv_nsec);
}

/** Whether a call moves the time of a path's change forward, and that of its bytes. */
#define SHOW_MOVES(path, call)                                                                                         \
  do {                                                                                                                 \
    struct stat before, after;                                                                                         \
    MUST(stat(path, &before) == 0);                                                                                    \
    usleep(12000);                                                                                                     \
    MUST((call) >= 0);                                                                                                 \
    MUST(stat(path, &after) == 0);                                                                                     \
    printf("%s: modified %s, changed %s\n", #call, is_later(after.st_mtim, before.st_mtim) ? "later" : "the same",     \
           is_later(after.st_ctim, before.st_ctim) ? "later" : "the same");                                            \
  } while (0)

static void use_times(void) {
  printf("-- times\n");
  put_file("times", "text");
  symlink("times", "link");
  struct timespec times[2] = {{1000000000, 123456000}, {1500000000, 999999000}};
  SHOW(utimensat(AT_FDCWD, "times", times, 0));
  show_times("times");
  times[0].tv_nsec = UTIME_OMIT;
  times[1] = (struct timespec){1, 1000};
  SHOW(utimensat(AT_FDCWD, "times", times, 0));
  show_times("times");
  times[0] = (struct timespec){0, 0};
  times[1].tv_nsec = UTIME_OMIT;
  SHOW(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW));
  show_times("times");
  SHOW(utimensat(AT_FDCWD, "link", times, 0));
  show_times("times");
  times[0].tv_nsec = 1000000000;
  SHOW(utimensat(AT_FDCWD, "times", times, 0));
  SHOW(utimensat(AT_FDCWD, "none", NULL, 0));
  int fd = open("times", O_RDWR);
  times[0] = times[1] = (struct timespec){2000000000, 5000};
  SHOW(futimens(fd, times));
  show_times("times");
  SHOW(futimens(fd, NULL));
  struct stat status;
  MUST(fstat(fd, &status) == 0);
  printf("  %s\n", status.st_mtim.tv_sec > 1700000000 && status.st_mtim.tv_sec < 2000000000 ? "now" : "another time");
  SHOW_MOVES("times", write(fd, "x", 1));
  SHOW_MOVES("times", write(fd, "x", 0));
  SHOW_MOVES("times", ftruncate(fd, 1));
  SHOW_MOVES("times", ftruncate(fd, 1));
  SHOW_MOVES("times", rename("times", "renamed") == 0 ? rename("renamed", "times") : -1);
  SHOW_MOVES("times", link("times", "linked"));
  SHOW_MOVES("times", unlink("linked"));
  SHOW_MOVES(".", mkdir("made", 0777));
  SHOW_MOVES(".", rmdir("made"));
  SHOW_MOVES(".", write(fd, "more", 4));
  SHOW_MOVES(".", symlink("x", "made"));
  SHOW_MOVES(".", rename("made", "moved"));
  SHOW_MOVES(".", unlink("moved"));
  SHOW_MOVES(".", close(open("times", O_RDWR | O_CREAT, 0666)));
  SHOW(close(fd));
  SHOW(unlink("link"));
  SHOW(unlink("times"));
}

static void use_long_names(void) {
  printf("-- long names\n");
  static char name[5000];
  memset(name, 'n', 255);
  SHOW(mkdir(name, 0777));
  SHOW(rmdir(name));
  name[255] = 'n';
  SHOW(mkdir(name, 0777));
  SHOW_OK(open(name, O_RDONLY));
  struct stat status;
  SHOW(stat(name, &status));
  SHOW(symlink("x", name));
  SHOW(rename(name, "y"));
  SHOW(unlink(name));
  memset(name, 0, sizeof name);
  for (int index = 0; index < 2047; index++) strcat(name, "./");
  int directory = open(".", O_RDONLY);
  SHOW(fstatat(directory, name, &status, 0));
  strcat(name, ".");
  SHOW(fstatat(directory, name, &status, 0));
  strcat(name, "/");
  SHOW(fstatat(directory, name, &status, 0));
  SHOW(fstatat(directory, "", &status, 0));
  SHOW_OK(openat(directory, "", O_RDONLY));
  SHOW(mkdirat(directory, ".", 0777));
  SHOW(unlinkat(directory, ".", AT_REMOVEDIR));
  SHOW(unlinkat(directory, "..", AT_REMOVEDIR));
  SHOW(unlinkat(directory, ".", 0));
  SHOW(renameat(directory, ".", directory, "moved"));
  SHOW(renameat(directory, "..", directory, "moved"));
  SHOW(close(directory));
  memset(name, 't', 4095);
  name[4095] = 0;
  SHOW(symlink(name, "long"));
  SHOW(stat("long", &status));
  unlink("long");
  SHOW(symlink("", "empty"));
  unlink("empty");
  /* A chain of links. */
  char link_name[20], target[20] = "end";
  put_file("end", "end");
  for (int index = 1; index <= 41; index++) {
    snprintf(link_name, sizeof link_name, "chain%d", index);
    MUST(symlink(target, link_name) == 0);
    strcpy(target, link_name);
  }
  SHOW(stat("chain30", &status));
  SHOW(stat("chain39", &status));
  SHOW(stat("chain40", &status));
  SHOW(stat("chain41", &status));
  for (int index = 1; index <= 41; index++) {
    snprintf(link_name, sizeof link_name, "chain%d", index);
    unlink(link_name);
  }
  SHOW(unlink("end"));
}

static void read_changing_directory(void) {
  printf("-- a directory that changes while it is read\n");
  char name[20];
  static int seen[400];
  MUST(mkdir("many", 0777) == 0);
  for (int index = 0; index < 300; index++) {
    snprintf(name, sizeof name, "many/%d", index);
    put_file(name, "");
  }
  DIR *directory = opendir("many");
  MUST(directory);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_name[0] == '.') continue;
    int number = atoi(entry->d_name);
    seen[number]++;
    if (++count % 3 == 0) {
      /* What was seen goes, and something new comes. */
      snprintf(name, sizeof name, "many/%d", number);
      MUST(unlink(name) == 0);
      if (count <= 60) {
        snprintf(name, sizeof name, "many/%d", 300 + count / 3);
        put_file(name, "");
      }
    }
  }
  int missing = 0, twice = 0;
  for (int index = 0; index < 300; index++) {
    missing += seen[index] == 0;
    twice += seen[index] > 1;
  }
  printf("missing %d, twice %d\n", missing, twice);
  rewinddir(directory);
  count = 0;
  while (readdir(directory)) count++;
  printf("names afterwards: %d\n", count > 200 && count < 330);
  closedir(directory);
  remove_all("many");
}

static void map_files(void) {
  printf("-- mapped files\n");
  put_file("mapped", "0123456789");
  int fd = open("mapped", O_RDWR);
  char *bytes = mmap(NULL, 10, PROT_READ, MAP_PRIVATE, fd, 0);
  MUST(bytes != MAP_FAILED);
  printf("  %.10s\n", bytes);
  SHOW(munmap(bytes, 10));
  bytes = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  MUST(bytes != MAP_FAILED);
  bytes[0] = 'X';
  SHOW(munmap(bytes, 10));
  show_bytes(fd, 0, 20);
  SHOW_OK(mmap(NULL, 10, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED ? -1 : 0);
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(close(fd));
  SHOW(fsync(fd));
  fd = open("mapped", O_RDONLY);
  SHOW(fdatasync(fd));
  SHOW(close(fd));
  fd = open(".", O_RDONLY);
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(close(fd));
  SHOW(unlink("mapped"));
}

int main(int argc, char **argv) {
  if (argc < 2 || chdir(argv[1]) != 0 || mkdir("work", 0777) != 0 || chdir("work") != 0) return 2;
  use_offsets();
  use_append();
  share_offsets();
  lose_names();
  set_sizes();
  use_times();
  use_long_names();
  read_changing_directory();
  map_files();
  return 0;
}
