// guest: libc
// Random calls for files, by seed: each prints what it was and what it answered, and at the end of a seed the whole tree. After the two directories that every
// oracle gets, the arguments may be the first seed, the one after the last, and how many calls each makes.
//
// Left out is what is known to differ: `.` as a whole path and lengths below 0, which the C library of WASI treats in its own way; offsets of directories, which
// have none in WASI; and pwrite to a file that appends, which Linux has append.
#include "oracle.h"

#define SLOTS 6
#define LONGEST 70000
#define MOST_ENTRIES 64

static uint64_t state;
static int fds[SLOTS];
static char from[400], to[400], bytes[LONGEST];

static unsigned below(unsigned limit) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % limit;
}

static void begin(unsigned seed) {
  state = seed * 7919u + 12345u;
  for (int step = 0; step < 5; step++) below(2);
  for (int slot = 0; slot < SLOTS; slot++) fds[slot] = -1;
}

/** A path of one to four names out of few, so that they meet; `mayBegin` with `..`, which the target of a link does. */
static void choose_path(char *path, int mayBegin) {
  static const char *const names[] = {"a", "b", "c", "d", "e"};
  unsigned count = 1 + below(below(2) ? 3 : 1);
  int depth = 0;
  path[0] = 0;
  for (unsigned index = 0; index < count; index++) {
    if (index > 0) strcat(path, below(12) == 0 ? "//" : "/");
    unsigned kind = below(14);
    if (kind == 0 && index > 0) strcat(path, ".");
    else if (kind == 1 && depth + mayBegin > 0) strcat(path, ".."), depth--;
    else strcat(path, names[below(below(2) ? 3 : 5)]), depth++;
  }
  if (below(10) == 0) strcat(path, "/");
}

/** A slot, rather one that is open. */
static int choose_slot(void) {
  int slot = (int)below(SLOTS);
  for (int tries = 0; tries < 4 && fds[slot] < 0; tries++) slot = (int)below(SLOTS);
  return slot;
}

static int is_directory(int fd) {
  struct stat status;
  return fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

/** What a path starts from: mostly the working directory, else an open one. Prints it. */
static int choose_start(void) {
  for (int tries = 0; below(3) == 0 && tries < 4; tries++) {
    int slot = choose_slot();
    if (!is_directory(fds[slot])) continue;
    printf(" @%d:", slot);
    return fds[slot];
  }
  printf(" ");
  return AT_FDCWD;
}

static unsigned choose_length(void) {
  switch (below(6)) {
    case 0: return 0;
    case 1: return 1 + below(10);
    case 2: return 4096;
    case 3: return below(LONGEST);
    default: return 1 + below(3000);
  }
}

static long long choose_position(void) {
  switch (below(7)) {
    case 0: return 0;
    case 1: return below(200000);
    case 2: return 4096 * below(5);
    case 3: return 1ll << (30 + below(3));
    default: return below(5000);
  }
}

static void show_answer(long long answer) {
  if (answer < 0) printf(" = %s\n", error_name(errno));
  else printf(" = %lld\n", answer);
}

static void show_outcome(int answer) {
  show_answer(answer < 0 ? -1 : 0);
}

/** The answer of a call that gave bytes, and a sum of them. */
static void show_given(ssize_t count) {
  unsigned sum = 17;
  for (ssize_t index = 0; index < count; index++) sum = sum * 31 + (unsigned char)bytes[index];
  if (count >= 0) printf(" %08x", sum);
  show_answer(count);
}

static void show_file(const struct stat *status) {
  const char *kind = S_ISDIR(status->st_mode) ? "directory" : S_ISLNK(status->st_mode) ? "link" : "file";
  printf(" %s", kind);
  if (!S_ISDIR(status->st_mode)) printf(" %d %lld", (int)status->st_nlink, (long long)status->st_size);
}

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

/** The names in a directory, sorted, without those every directory has; -1 where it cannot be opened. */
static int read_names(const char *path, char **names) {
  int count = 0;
  DIR *directory = opendir(path);
  if (!directory) return -1;
  for (struct dirent *entry; (entry = readdir(directory)) && count < MOST_ENTRIES;) {
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) names[count++] = strdup(entry->d_name);
  }
  closedir(directory);
  qsort(names, (size_t)count, sizeof *names, compare);
  return count;
}

static void show_tree(const char *path) {
  char *names[MOST_ENTRIES];
  int count = read_names(path, names);
  for (int index = 0; index < count; index++) {
    char inner[600];
    struct stat status;
    snprintf(inner, sizeof inner, "%s/%s", path, names[index]);
    free(names[index]);
    MUST(lstat(inner, &status) == 0);
    printf("  %s", inner);
    show_file(&status);
    if (S_ISREG(status.st_mode)) {
      int fd = open(inner, O_RDONLY);
      show_given(read(fd, bytes, LONGEST));
      close(fd);
    } else printf("\n");
    if (S_ISDIR(status.st_mode)) show_tree(inner);
  }
}

static void open_one(void) {
  int slot = choose_slot();
  if (fds[slot] >= 0) close(fds[slot]);
  fds[slot] = -1;
  static const struct { int flag; const char *name; unsigned rarity; } options[] = {
    {O_TRUNC, " trunc", 6}, {O_NOFOLLOW, " nofollow", 10}, {O_APPEND, " append", 6}, {O_NONBLOCK, " nonblock", 12}, {O_EXCL, " excl", 8},
  };
  int creates = (int)below(2);
  int isDirectory = !creates && below(8) == 0;
  int flags = isDirectory || below(4) == 0 ? O_RDONLY : below(4) == 0 ? O_WRONLY : O_RDWR;
  printf("open @%d%s%s%s", slot, flags == O_RDONLY ? " r" : flags == O_WRONLY ? " w" : " rw", creates ? " creat" : "", isDirectory ? " directory" : "");
  flags |= (creates ? O_CREAT : 0) | (isDirectory ? O_DIRECTORY : 0);
  for (unsigned index = 0; index < sizeof options / sizeof *options; index++) {
    if (below(options[index].rarity) != 0 || (options[index].flag == O_EXCL && !creates)) continue;
    flags |= options[index].flag;
    printf("%s", options[index].name);
  }
  int start = choose_start();
  choose_path(from, 0);
  printf("%s", from);
  fds[slot] = openat(start, from, flags, 0666);
  show_outcome(fds[slot]);
}

static void use_descriptor(unsigned kind) {
  int slot = choose_slot(), fd = fds[slot];
  unsigned length = choose_length();
  long long position = choose_position();
  if (kind == 1 || kind == 3) memset(bytes, (int)('a' + below(26)), length);
  switch (kind) {
    case 0: printf("read @%d %u", slot, length); return show_given(read(fd, bytes, length));
    case 1: printf("write @%d %u", slot, length); return show_answer(write(fd, bytes, length));
    case 2: printf("pread @%d %u %lld", slot, length, position); return show_given(pread(fd, bytes, length, position));
    case 3:
      if (fd >= 0 && (fcntl(fd, F_GETFL) & O_APPEND)) return;
      printf("pwrite @%d %u %lld", slot, length, position);
      return show_answer(pwrite(fd, bytes, length, position));
    case 4: {
      static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
      unsigned whence = below(3);
      if (below(3) == 0) position = -position;
      if (is_directory(fd)) return;
      printf("lseek @%d %lld %u", slot, position, whence);
      return show_answer(lseek(fd, position, whences[whence]));
    }
    case 5: printf("ftruncate @%d %lld", slot, position); return show_answer(ftruncate(fd, position));
    case 6: {
      struct stat status;
      printf("fstat @%d", slot);
      int answer = fstat(fd, &status);
      if (answer == 0) show_file(&status);
      return show_answer(answer);
    }
    case 7: {
      int other = (int)below(SLOTS);
      if (other == slot || fd < 0) return;
      if (fds[other] >= 0) close(fds[other]);
      fds[other] = dup(fd);
      printf("dup @%d @%d", slot, other);
      return show_outcome(fds[other]);
    }
    case 8: {
      int flags = (below(2) ? O_APPEND : 0) | (below(2) ? O_NONBLOCK : 0);
      printf("setfl @%d%s%s", slot, flags & O_APPEND ? " append" : "", flags & O_NONBLOCK ? " nonblock" : "");
      return show_answer(fcntl(fd, F_SETFL, flags));
    }
    case 9: printf("fsync @%d", slot); return show_answer(below(2) ? fsync(fd) : fdatasync(fd));
    case 10: printf("close @%d", slot); fds[slot] = -1; return show_answer(close(fd));
  }
}

static void use_path(unsigned kind) {
  static const char *const calls[] = {"stat", "lstat", "mkdir", "symlink", "readlink", "unlink", "rmdir", "truncate", "access", "list", "utimens"};
  struct stat status;
  printf("%s", calls[kind]);
  int start = kind == 7 || kind == 9 ? (printf(" "), AT_FDCWD) : choose_start();
  choose_path(from, 0);
  printf("%s", from);
  switch (kind) {
    case 0:
    case 1: {
      int answer = fstatat(start, from, &status, kind == 0 ? 0 : AT_SYMLINK_NOFOLLOW);
      if (answer == 0) show_file(&status);
      return show_answer(answer);
    }
    case 2: return show_answer(mkdirat(start, from, 0777));
    case 3:
      choose_path(to, 1);
      printf(" -> %s", to);
      return show_answer(symlinkat(to, start, from));
    case 4: return show_given(readlinkat(start, from, bytes, below(3) ? 200 : 1 + below(3)));
    case 5: return show_answer(unlinkat(start, from, 0));
    case 6: return show_answer(unlinkat(start, from, AT_REMOVEDIR));
    case 7: {
      long long size = choose_position();
      printf(" %lld", size);
      return show_answer(truncate(from, size));
    }
    case 8: return show_answer(faccessat(start, from, F_OK, 0));
    case 9: {
      char *names[MOST_ENTRIES];
      int count = read_names(from, names);
      for (int index = 0; index < count; index++) {
        printf(" %s", names[index]);
        free(names[index]);
      }
      return show_answer(count);
    }
    case 10: {
      struct timespec times[2] = {{1000, 0}, {1000 + below(1000), 5000}};
      int flags = below(2) ? AT_SYMLINK_NOFOLLOW : 0;
      int answer = utimensat(start, from, times, flags);
      if (answer == 0 && fstatat(start, from, &status, flags) == 0)
        printf(" %d.%09ld", (int)status.st_mtim.tv_sec, (long)status.st_mtim.tv_nsec);
      return show_answer(answer);
    }
  }
}

static void use_two_paths(int links) {
  printf(links ? "link" : "rename");
  int start = choose_start();
  choose_path(from, 0);
  printf("%s", from);
  int goal = choose_start();
  choose_path(to, 0);
  printf("%s", to);
  show_answer(links ? linkat(start, from, goal, to, below(4) == 0 ? AT_SYMLINK_FOLLOW : 0) : renameat(start, from, goal, to));
}

static void make_tree(void) {
  MUST(mkdir("a", 0777) == 0);
  put_file("b", "file b");
  if (below(2)) MUST(mkdir("a/b", 0777) == 0);
  if (below(2)) put_file("a/a", "inner");
  if (below(2)) {
    MUST(mkdir("c", 0777) == 0);
    put_file("c/c", "deep");
  }
  if (below(2)) MUST(symlink(below(2) ? "a" : "b", "d") == 0);
  if (below(3) == 0) MUST(symlink("../c", "a/c") == 0);
  fds[0] = open("b", O_RDWR);
  fds[1] = open("a", O_RDONLY);
}

int main(int argc, char **argv) {
  // Deep enough that no chain of links leads above what is looked at.
  static char base[600];
  if (argc < 2) return 2;
  strcpy(base, argv[1]);
  for (int depth = 0; depth < 7; depth++) MUST(mkdir(strcat(base, "/deep"), 0777) == 0);
  MUST(chdir(base) == 0);
  unsigned seed = argc > 3 ? (unsigned)atoi(argv[3]) : 0, end = argc > 4 ? (unsigned)atoi(argv[4]) : 25, calls = argc > 5 ? (unsigned)atoi(argv[5]) : 80;
  for (; seed < end; seed++) {
    begin(seed);
    printf("== %u\n", seed);
    MUST(mkdir("tree", 0777) == 0 && chdir("tree") == 0);
    make_tree();
    for (unsigned call = 0; call < calls; call++) {
      unsigned kind = below(100);
      errno = 0;
      if (kind < 16) open_one();
      else if (kind < 50) use_descriptor(below(11));
      else if (kind < 84) use_path(below(11));
      else use_two_paths(kind < 90);
    }
    for (int slot = 0; slot < SLOTS; slot++) {
      if (fds[slot] >= 0) MUST(close(fds[slot]) == 0);
    }
    show_tree(".");
    MUST(chdir(base) == 0);
    remove_all("tree");
    char *names[MOST_ENTRIES];
    for (int count = read_names(".", names); count > 0; free(names[count])) remove_all(names[--count]);
  }
  return 0;
}
