// guest: threads
// A descriptor that one thread makes stand for one file and another in turn is open for all others at every moment, and is one of both.
#include "weft.h"

#define PLACE 20
#define TURNS 100000

static _Atomic uint32_t done;

static int32_t open_file(const char *path, const char *text, uint64_t rights) {
  int32_t fd;
  CHECK_OK(wasi_path_open(3, 0, path, text_length(path), WASI_OFLAGS_CREAT, rights, 0, 0, &fd));
  if (!text) return fd;
  const struct wasi_ciovec piece = {(uint8_t *)text, 1};
  uint32_t written;
  CHECK_OK(wasi_fd_write(fd, &piece, 1, &written));
  return fd;
}

static void *look(void *argument) {
  while (!done) {
    uint8_t byte = 0;
    const struct wasi_iovec piece = {&byte, 1};
    uint32_t count = 0;
    const int32_t errno = wasi_fd_pread(PLACE, &piece, 1, 0, &count);
    CHECK_OK(errno);
    CHECK(count == 1 && (byte == 'a' || byte == 'b'));
  }
  return argument;
}

int main(int argc, char **argv) {
  const uint64_t all = WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_SEEK;
  // The rights differ, so that it would show where those of one came with the other file.
  const int32_t a = open_file("a", "a", all);
  CHECK_OK(wasi_fd_close(open_file("b", "b", all)));
  const int32_t b = open_file("b", NULL, WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_SEEK);
  CHECK_OK(wasi_fd_renumber(a, PLACE));
  struct thread *threads[2];
  for (int index = 0; index < 2; index++) threads[index] = thread_start(look, NULL);
  for (int turn = 0; turn < TURNS; turn++) CHECK_OK(wasi_fd_renumber(turn % 2 ? a : b, PLACE));
  done = 1;
  for (int index = 0; index < 2; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  return 0;
}
