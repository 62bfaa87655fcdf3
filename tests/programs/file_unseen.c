// guest: threads
// A directory that is opened as if it were a file, by a thread that does not look at it: others that look at it at the same moment, each in its own way, all find a directory.
#include "weft.h"

#define LOOKERS 3
#define TURNS 200
#define NONE -1

static _Atomic int32_t shown = NONE;
static _Atomic uint32_t turn, looked;

static void look_by_type(int32_t fd) {
  struct wasi_fdstat stat;
  CHECK_OK(wasi_fd_fdstat_get(fd, &stat));
  CHECK(stat.fs_filetype == WASI_FILETYPE_DIRECTORY);
}

static void look_by_status(int32_t fd) {
  struct wasi_filestat stat;
  CHECK_OK(wasi_fd_filestat_get(fd, &stat));
  CHECK(stat.filetype == WASI_FILETYPE_DIRECTORY);
  look_by_type(fd);
}

static void look_inside(int32_t fd) {
  uint8_t entries[256];
  uint32_t used = 0;
  CHECK_OK(wasi_fd_readdir(fd, entries, sizeof entries, 0, &used));
  CHECK(used > 0);
  struct wasi_filestat stat;
  CHECK_OK(wasi_path_filestat_get(fd, 0, "inside", 6, &stat));
  CHECK(stat.filetype == WASI_FILETYPE_REGULAR_FILE);
}

static void *look(void *argument) {
  static void (*const ways[LOOKERS])(int32_t) = {look_by_type, look_by_status, look_inside};
  for (uint32_t seen = 0; seen < TURNS; seen++) {
    while (turn == seen) wasi_sched_yield();
    ways[((uintptr_t)argument + seen) % LOOKERS](shown);
    looked++;
  }
  return argument;
}

int main(int argc, char **argv) {
  struct thread *threads[LOOKERS];
  for (uintptr_t index = 0; index < LOOKERS; index++) threads[index] = thread_start(look, (void *)index);
  const uint64_t rights =
      WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_READDIR | WASI_RIGHTS_FD_FILESTAT_GET | WASI_RIGHTS_PATH_FILESTAT_GET;
  for (uint32_t done = 0; done < TURNS; done++) {
    int32_t fd;
    CHECK_OK(wasi_path_open(3, 0, "folder", 6, 0, rights, 0, 0, &fd));
    shown = fd;
    turn = done + 1;
    while (looked < LOOKERS * (done + 1)) wasi_sched_yield();
    CHECK_OK(wasi_fd_close(fd));
  }
  for (int index = 0; index < LOOKERS; index++) CHECK_OK(wasix_thread_join(threads[index]->tid));
  return 0;
}
