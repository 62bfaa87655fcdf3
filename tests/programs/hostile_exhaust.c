// guest: threads
//
// Takes one thing without end until an errno comes, and tells "THING COUNT ERRNO": hostile_exhaust THING. Some things end otherwise; see each.
#include "weft.h"

static int32_t root = 3;

// A directory cannot be opened for writing.
#define READ_RIGHTS (~0ull & ~(uint64_t)(WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_ALLOCATE | WASI_RIGHTS_FD_FILESTAT_SET_SIZE))

static int32_t open_at(const char *path, uint32_t flags, uint32_t fdflags, uint32_t *fd) {
  uint64_t rights = flags & WASI_OFLAGS_DIRECTORY ? READ_RIGHTS : ~0ull;
  return wasi_path_open(root, 0, (const uint8_t *)path, text_length(path), flags, rights, ~0ull, fdflags, fd);
}

static void number_name(char *into, const char *start, uint32_t number) {
  size_t length = text_length(start);
  memcpy(into, start, length);
  char digits[12];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count) into[length++] = digits[--count];
  into[length] = 0;
}

static uint8_t block[1 << 20];

static int32_t write_all(uint32_t fd, size_t size, uint32_t *written) {
  const struct wasi_ciovec piece = {block, size};
  return wasi_fd_write((int32_t)fd, &piece, 1, written);
}

// ---------------------------------------------------------------------------------------------------------------------

static void tell(const char *what, uint64_t count, int32_t error) { print("%s %lu %d\n", what, count, error); }

// Grows the memory page by page, then tries the most at once.
static void take_memory(void) {
  uint64_t pages = 0;
  while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) pages += 16;
  if (__builtin_wasm_memory_grow(0, 65536) != (size_t)-1) wasi_proc_exit(9);
  tell("memory", pages, 0);
}

static _Atomic uint32_t gate;

static void *wait_at_gate(void *argument) {
  while (!gate) word_wait(&gate, 0, FOREVER);
  return argument;
}

static void take_threads(void) {
  uint64_t count = 0;
  int32_t error = 0;
  for (;; count++) {
    struct thread *thread = allocate(sizeof *thread);
    void *stack = allocate(4096);
    if (!thread || !stack) wasi_proc_exit(9);
    error = thread_start_on(thread, stack, 4096, wait_at_gate, NULL);
    if (error) break;
  }
  tell("threads", count, error);
  gate = 1;
  word_wake_all(&gate);
}

// Threads that start threads, as fast as they can, and end: until the time is up.
static _Atomic uint32_t spawned, refused;
static struct spawner {
  struct thread thread;
  uint8_t stack[4096];
} spawners[256];

static void *end_at_once(void *argument) { return argument; }

static void *spawn_more(void *argument) {
  uint64_t until = now_nanoseconds() + 300000000;
  while (now_nanoseconds() < until) {
    uint32_t place = spawned++ % 256;
    // Another may be at it with the same stack: it writes the same there.
    if (wasi_thread_spawn(&spawners[place]) < 0) refused++;
  }
  return argument;
}

static void bomb(void) {
  static struct thread threads[3];
  static uint8_t stacks[3][16384];
  for (int place = 0; place < 256; place++) {
    struct spawner *spawner = &spawners[place];
    CHECK_OK(thread_prepare(&spawner->thread, spawner->stack, sizeof spawner->stack, end_at_once, NULL));
  }
  // What the first have started may leave no room for the last.
  for (int index = 0; index < 3; index++) thread_start_on(&threads[index], stacks[index], sizeof stacks[index], spawn_more, NULL);
  spawn_more(NULL);
  tell("bomb", spawned > 0, refused > 0);
}

static void take_file(const char *path, const char *what) {
  uint32_t fd, written;
  CHECK_OK(open_at(path, WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC, 0, &fd));
  uint64_t total = 0;
  int32_t error;
  while ((error = write_all(fd, sizeof block, &written)) == 0) total += written;
  tell(what, total >> 20, error);
}

// Many small files, as large as nothing.
static void take_inodes(void) {
  char name[32];
  uint32_t fd;
  int32_t error;
  uint64_t count = 0;
  CHECK_OK(wasi_path_create_directory(root, (const uint8_t *)"inodes", 6));
  for (;; count++) {
    number_name(name, "inodes/", (uint32_t)count);
    if ((error = open_at(name, WASI_OFLAGS_CREAT, 0, &fd))) break;
    CHECK_OK(wasi_fd_close((int32_t)fd));
  }
  tell("inodes", count, error);
}

static void take_pipes(void) {
  uint32_t reader, writer, written;
  int32_t error;
  uint64_t count = 0;
  for (; (error = wasix_fd_pipe(&reader, &writer)) == 0; count++) {
    CHECK_OK(wasi_fd_fdstat_set_flags((int32_t)writer, WASI_FDFLAGS_NONBLOCK));
    CHECK_OK(write_all(writer, sizeof block, &written));
    CHECK_ERRNO(WASI_EAGAIN, write_all(writer, 1, &written));
  }
  tell("pipes", count, error);
}

static void take_descriptors(void) {
  uint32_t fd;
  int32_t error;
  uint64_t count = 0;
  while ((error = wasix_fd_dup(root, &fd)) == 0) count++;
  tell("descriptors", count, error);
}

static void take_events(void) {
  uint32_t fd;
  int32_t error;
  uint64_t count = 0;
  while ((error = wasix_fd_event(0, 0, &fd)) == 0) count++;
  tell("events", count, error);
}

static void flood(void) {
  uint32_t written;
  memset(block, 'x', sizeof block);
  for (;;) write_all(1, sizeof block, &written);
}

static void take_directories(void) {
  char name[32];
  int32_t error;
  uint64_t count = 0;
  for (;; count++) {
    number_name(name, "many", (uint32_t)count);
    if ((error = wasi_path_create_directory(root, (const uint8_t *)name, text_length(name)))) break;
  }
  tell("directories", count, error);
}

// A directory in a directory in a directory…
static void dig(void) {
  int32_t here = root, error = 0;
  uint64_t depth = 0;
  for (; depth < 20000; depth++) {
    if ((error = wasi_path_create_directory(here, (const uint8_t *)"d", 1))) break;
    uint32_t next;
    if ((error = wasi_path_open(here, 0, (const uint8_t *)"d", 1, WASI_OFLAGS_DIRECTORY, READ_RIGHTS, ~0ull, 0, &next))) break;
    if (here != root) wasi_fd_close(here);
    here = (int32_t)next;
  }
  tell("dig", depth, error);
  // Moving it into itself, and leaving it by a path as long as may be.
  CHECK_ERRNO(WASI_EINVAL, wasi_path_rename(root, (const uint8_t *)"d", 1, here, (const uint8_t *)"e", 1));
  static char up[65536];
  for (size_t index = 0; index + 3 <= sizeof up; index += 3) memcpy(up + index, "../", 3);
  struct wasi_filestat stat;
  int32_t answer = wasi_path_filestat_get(here, 0, (const uint8_t *)up, 65535, &stat);
  CHECK(answer == WASI_ENAMETOOLONG || answer == WASI_SUCCESS);
  CHECK_OK(wasi_path_filestat_get(here, 0, (const uint8_t *)up, 3 * 1000, &stat));
}

// Links that lead to themselves, to each other, and a chain of them.
static void link_loops(void) {
  uint32_t fd;
  char name[32], target[32];
  CHECK_OK(wasi_path_symlink((const uint8_t *)"self", 4, root, (const uint8_t *)"self", 4));
  CHECK_OK(wasi_path_symlink((const uint8_t *)"ping", 4, root, (const uint8_t *)"pong", 4));
  CHECK_OK(wasi_path_symlink((const uint8_t *)"pong", 4, root, (const uint8_t *)"ping", 4));
  CHECK_OK(wasi_path_symlink((const uint8_t *)"deep/deep", 9, root, (const uint8_t *)"deep", 4));
  for (uint32_t index = 0; index < 200; index++) {
    number_name(name, "chain", index);
    number_name(target, "chain", index + 1);
    CHECK_OK(wasi_path_symlink((const uint8_t *)target, text_length(target), root, (const uint8_t *)name, text_length(name)));
  }
  static const char *const loops[] = {"self", "self/a", "ping", "pong/x", "deep", "deep/deep/deep", "chain0"};
  for (size_t index = 0; index < sizeof loops / sizeof *loops; index++) {
    const char *path = loops[index];
    struct wasi_filestat stat;
    CHECK_ERRNO(WASI_ELOOP, wasi_path_open(root, WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, (const uint8_t *)path, text_length(path), 0, ~0ull, ~0ull, 0, &fd));
    CHECK_ERRNO(WASI_ELOOP, wasi_path_filestat_get(root, WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, (const uint8_t *)path, text_length(path), &stat));
  }
  tell("links", 0, 0);
}

static uint32_t list(int32_t fd) {
  uint64_t cookie = 0;
  uint32_t entries = 0;
  for (;;) {
    uint32_t used;
    CHECK_OK(wasi_fd_readdir(fd, block, sizeof block, cookie, &used));
    uint32_t at = 0;
    while (at + sizeof(struct wasi_dirent) <= used) {
      struct wasi_dirent entry;
      memcpy(&entry, block + at, sizeof entry);
      if (at + sizeof entry + entry.d_namlen > used) break;
      at += sizeof entry + entry.d_namlen;
      cookie = entry.d_next;
      entries++;
    }
    if (used < sizeof block) return entries;
  }
}

static void fill_directory(uint32_t count, const char *directory) {
  char name[64];
  uint32_t fd;
  CHECK_OK(wasi_path_create_directory(root, (const uint8_t *)directory, text_length(directory)));
  CHECK_OK(open_at(directory, WASI_OFLAGS_DIRECTORY, 0, &fd));
  int32_t here = (int32_t)fd;
  for (uint32_t index = 0; index < count; index++) {
    number_name(name, "name", index);
    CHECK_OK(wasi_path_open(here, 0, (const uint8_t *)name, text_length(name), WASI_OFLAGS_CREAT, ~0ull, ~0ull, 0, &fd));
    CHECK_OK(wasi_fd_close((int32_t)fd));
  }
  uint32_t found = list(here);
  CHECK(found == count || found == count + 2);
  tell("names", count, 0);
}

static void empty_directory(uint32_t count, const char *directory) {
  char name[64];
  uint32_t fd;
  CHECK_OK(open_at(directory, WASI_OFLAGS_DIRECTORY, 0, &fd));
  for (uint32_t index = 0; index < count; index++) {
    number_name(name, "name", index);
    CHECK_OK(wasi_path_unlink_file((int32_t)fd, (const uint8_t *)name, text_length(name)));
  }
  CHECK(list((int32_t)fd) <= 2);
  CHECK_OK(wasi_path_remove_directory(root, (const uint8_t *)directory, text_length(directory)));
}

static void list_for_ever(void) {
  uint32_t fd;
  fill_directory(100000, "listed");
  CHECK_OK(open_at("listed", WASI_OFLAGS_DIRECTORY, 0, &fd));
  print("ready\n");
  for (;;) list((int32_t)fd);
}

// Threads that move the same few names over each other.
static uint32_t storm_rounds;

static void *storm(void *argument) {
  static const char *const names[] = {"s", "s/a", "s/b", "s/a/x", "s/b/x", "s/a/y", "s/b/y", "t", "t/a", "t/a/x", "t/b"};
  uint32_t random = (uint32_t)argument * 2654435761u + 1, fd;
  for (uint32_t round = 0; round < storm_rounds; round++) {
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    const char *from = names[(random >> 4) % 11], *to = names[(random >> 12) % 11];
    int32_t error;
    switch (random % 5) {
    case 0: error = wasi_path_create_directory(root, (const uint8_t *)from, text_length(from)); break;
    case 1:
      error = open_at(from, WASI_OFLAGS_CREAT, 0, &fd);
      if (!error) wasi_fd_close((int32_t)fd);
      break;
    case 2:
      error = random & 64 ? wasi_path_unlink_file(root, (const uint8_t *)from, text_length(from))
                          : wasi_path_remove_directory(root, (const uint8_t *)from, text_length(from));
      break;
    default: error = wasi_path_rename(root, (const uint8_t *)from, text_length(from), root, (const uint8_t *)to, text_length(to)); break;
    }
    switch (error) {
    case WASI_SUCCESS:
    case WASI_ENOENT:
    case WASI_EEXIST:
    case WASI_ENOTDIR:
    case WASI_EISDIR:
    case WASI_ENOTEMPTY:
    case WASI_EINVAL: break;
    default: complain("storm: %d\n", error); wasi_proc_exit(1);
    }
  }
  return NULL;
}

static void rename_storm(uint32_t rounds) {
  struct thread *threads[4];
  storm_rounds = rounds;
  for (uint32_t index = 0; index < 4; index++) threads[index] = thread_start(storm, (void *)(index + 1));
  for (uint32_t index = 0; index < 4; index++) thread_result(threads[index]);
  tell("storm", rounds, 0);
}

// Uses the stack up; with calls on the way down, at every depth.
static volatile uint32_t sink;
static uint32_t fall(uint32_t depth, bool calls) {
  if (calls) {
    uint64_t time;
    struct wasi_fdstat stat;
    uint32_t written;
    wasi_clock_time_get(WASI_CLOCKID_MONOTONIC, 1, &time);
    wasi_fd_fdstat_get(root, &stat);
    const struct wasi_ciovec piece = {block, 0};
    wasi_fd_write(1, &piece, 1, &written);
  }
  sink++;
  return fall(depth + 1, calls) + sink;
}

static void *fall_in_thread(void *argument) { return (void *)fall(0, argument != NULL); }

// Reads and writes what it has, and counts: until its standard input ends.
static void go_on(void) {
  uint32_t file, reader, writer, count;
  CHECK_OK(open_at("steady", WASI_OFLAGS_CREAT, 0, &file));
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  uint8_t here[64] = {0};
  struct wasi_ciovec out = {here, sizeof here};
  struct wasi_iovec in = {here, sizeof here};
  CHECK_OK(wasi_fd_pwrite((int32_t)file, &out, 1, 0, &count));
  CHECK_OK(wasi_fd_fdstat_set_flags(0, WASI_FDFLAGS_NONBLOCK));
  print("ready\n");
  for (uint64_t rounds = 1;; rounds++) {
    here[0] = (uint8_t)rounds;
    CHECK_OK(wasi_fd_pwrite((int32_t)file, &out, 1, 0, &count));
    CHECK_OK(wasi_fd_write((int32_t)writer, &out, 1, &count));
    here[0] = 0;
    CHECK_OK(wasi_fd_read((int32_t)reader, &in, 1, &count));
    CHECK(count == sizeof here && here[0] == (uint8_t)rounds);
    here[0] = 0;
    CHECK_OK(wasi_fd_pread((int32_t)file, &in, 1, 0, &count));
    CHECK(count == sizeof here && here[0] == (uint8_t)rounds);
    CHECK_OK(wasix_thread_sleep(500000));
    uint8_t byte;
    struct wasi_iovec input = {&byte, 1};
    int32_t error = wasi_fd_read(0, &input, 1, &count);
    if (error == WASI_SUCCESS && count == 0) {
      tell("steady", rounds > 5, 0);
      wasi_proc_exit(0);
    }
    CHECK(error == WASI_SUCCESS || error == WASI_EAGAIN);
  }
}

// Calls that copy as much as they can, for ever.
static void copy_for_ever(const char *path) {
  uint32_t fd, written;
  CHECK_OK(open_at(path, WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC, 0, &fd));
  // The same megabyte a thousand times: a gigabyte for each call.
  static struct wasi_ciovec pieces[1000];
  for (int index = 0; index < 1000; index++) pieces[index] = (struct wasi_ciovec){block, sizeof block};
  print("ready\n");
  for (;;) {
    wasi_fd_pwrite((int32_t)fd, pieces, 1000, 0, &written);
    wasi_fd_filestat_set_size((int32_t)fd, 0);
  }
}

static void read_for_ever(const char *path) {
  uint32_t fd, count;
  CHECK_OK(open_at(path, 0, 0, &fd));
  static struct wasi_iovec pieces[1000];
  for (int index = 0; index < 1000; index++) pieces[index] = (struct wasi_iovec){block, sizeof block};
  print("ready\n");
  for (;;) wasi_fd_read((int32_t)fd, pieces, 1000, &count);
}

static void allocate_for_ever(const char *path) {
  uint32_t fd;
  CHECK_OK(open_at(path, WASI_OFLAGS_CREAT | WASI_OFLAGS_TRUNC, 0, &fd));
  print("ready\n");
  for (;;) {
    wasi_fd_allocate((int32_t)fd, 0, 1 << 30);
    wasi_fd_filestat_set_size((int32_t)fd, 0);
  }
}

static void random_for_ever(void) {
  uint8_t *much = allocate(128 << 20);
  CHECK(much);
  print("ready\n");
  for (;;) wasi_random_get(much, 128 << 20);
}

static void stat_for_ever(const char *path) {
  struct wasi_filestat stat;
  uint32_t fd;
  print("ready\n");
  for (;;) {
    wasi_path_filestat_get(root, 0, (const uint8_t *)path, text_length(path), &stat);
    if (open_at(path, 0, 0, &fd) == 0) wasi_fd_close((int32_t)fd);
  }
}

int main(int argc, char **argv) {
  const char *thing = argc > 1 ? argv[1] : "";
  const char *path = argc > 2 ? argv[2] : "endless";
#define WHEN(name) if (text_equal(thing, name))
  WHEN("memory") take_memory();
  else WHEN("threads") take_threads();
  else WHEN("bomb") bomb();
  else WHEN("file") take_file(path, "file");
  else WHEN("inodes") take_inodes();
  else WHEN("pipes") take_pipes();
  else WHEN("descriptors") take_descriptors();
  else WHEN("events") take_events();
  else WHEN("flood") flood();
  else WHEN("directories") take_directories();
  else WHEN("dig") dig();
  else WHEN("links") link_loops();
  else WHEN("names") fill_directory((uint32_t)text_number(argv[3]), path), empty_directory((uint32_t)text_number(argv[3]), path);
  else WHEN("list") list_for_ever();
  else WHEN("storm") rename_storm((uint32_t)text_number(argv[3]));
  else WHEN("fall") fall(0, false);
  else WHEN("fall-calling") fall(0, true);
  else WHEN("fall-thread") thread_result(thread_start(fall_in_thread, argc > 2 ? argv : NULL));
  else WHEN("steady") go_on();
  else WHEN("copy") copy_for_ever(path);
  else WHEN("read") read_for_ever(path);
  else WHEN("allocate") allocate_for_ever(path);
  else WHEN("random") random_for_ever();
  else WHEN("stat") stat_for_ever(path);
  else return 2;
  return 0;
}
