// guest: threads
// Commands for process_shell.c, told apart by the name that they are called by, as they behave on every POSIX system:
//   cat [FILE...]   sort   tr a-z A-Z   wc -l   head -n N   seq FIRST LAST   sleep SECONDS   false
#include "weft.h"

enum { ROOM = 1 << 20 };

static char input[ROOM];
static const char *command;

static _Noreturn void leave(uint32_t code) {
  wasi_proc_exit(code);
  __builtin_unreachable();
}

static void put(const char *bytes, size_t size) {
  if (size) CHECK_OK(write_bytes(1, bytes, size));
}

// The number of bytes read, 0 at the end.
static uint32_t read_some(int32_t fd, char *bytes, uint32_t room) {
  const struct wasi_iovec piece = {(uint8_t *)bytes, room};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_read(fd, &piece, 1, &count));
  return count;
}

static uint32_t read_input(void) {
  uint32_t total = 0;
  for (uint32_t count; total < ROOM && (count = read_some(0, input + total, ROOM - total)) > 0;) total += count;
  CHECK(total < ROOM);
  return total;
}

static void copy(int32_t fd) {
  for (uint32_t count; (count = read_some(fd, input, ROOM)) > 0;) put(input, count);
}

static uint32_t cat(int count, char **names) {
  if (count == 0) copy(0);
  for (int index = 0; index < count; index++) {
    char path[512];
    uint32_t length = sizeof path;
    CHECK_OK(wasix_getcwd(path, &length));
    if (*names[index] == '/') length = 0;
    else path[length++] = '/';
    memcpy(path + length, names[index], text_length(names[index]));
    length += text_length(names[index]);
    int32_t fd;
    if (wasi_path_open(3, WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, length, 0, WASI_RIGHTS_FD_READ, 0, 0, &fd)) {
      complain("cat: %s: No such file or directory\n", names[index]);
      return 1;
    }
    copy(fd);
    CHECK_OK(wasi_fd_close(fd));
  }
  return 0;
}

static bool precedes(const char *left, const char *right) {
  for (; *left == *right && *left != '\n'; left++, right++) continue;
  return *left == '\n' ? *right != '\n' : *right != '\n' && (uint8_t)*left < (uint8_t)*right;
}

static void sort(void) {
  static const char *lines[4096];
  uint32_t size = read_input(), count = 0;
  for (uint32_t at = 0; at < size; at++)
    if (at == 0 || input[at - 1] == '\n') {
      CHECK(count < 4096);
      uint32_t place = count++;
      for (; place > 0 && precedes(input + at, lines[place - 1]); place--) lines[place] = lines[place - 1];
      lines[place] = input + at;
    }
  for (uint32_t index = 0; index < count; index++) {
    const char *end = lines[index];
    while (*end != '\n') end++;
    put(lines[index], (size_t)(end + 1 - lines[index]));
  }
}

static void translate(void) {
  uint32_t size = read_input();
  for (uint32_t at = 0; at < size; at++)
    if (input[at] >= 'a' && input[at] <= 'z') input[at] -= 'a' - 'A';
  put(input, size);
}

static void count_lines(void) {
  uint32_t lines = 0;
  for (uint32_t count; (count = read_some(0, input, ROOM)) > 0;)
    for (uint32_t at = 0; at < count; at++) lines += input[at] == '\n';
  print("%u\n", lines);
}

static void head(uint64_t lines) {
  for (char letter; lines > 0 && read_some(0, &letter, 1) > 0;) {
    put(&letter, 1);
    lines -= letter == '\n';
  }
}

int main(int argc, char **argv) {
  command = argv[0];
  for (const char *at = argv[0]; *at; at++)
    if (*at == '/') command = at + 1;
  if (text_equal(command, "cat")) leave(cat(argc - 1, argv + 1));
  if (text_equal(command, "sort")) sort();
  else if (text_equal(command, "tr")) translate();
  else if (text_equal(command, "wc")) count_lines();
  else if (text_equal(command, "head")) head(text_number(argv[2]));
  else if (text_equal(command, "seq"))
    for (uint64_t number = text_number(argv[1]); number <= text_number(argv[2]); number++) print("%lu\n", number);
  else if (text_equal(command, "sleep")) {
    static _Atomic uint32_t never;
    word_wait(&never, 0, text_number(argv[1]) * 1000000000);
  } else leave(text_equal(command, "false") ? 1 : 127);
  return 0;
}
