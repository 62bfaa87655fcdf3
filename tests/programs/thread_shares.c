// guest: threads
// What the threads of a process share: descriptors with their offsets, the working directory, the environment, memory that any of them grows. What each has
// for itself: its thread-local variables.
#include "weft.h"

static int32_t opened;
static _Thread_local uint32_t own = 11;
static _Thread_local uint8_t zeroed[100];

static int32_t open_at(const char *path, uint16_t flags) {
  int32_t fd = -1;
  const uint64_t rights = WASI_RIGHTS_FD_READ | WASI_RIGHTS_FD_WRITE | WASI_RIGHTS_FD_SEEK | WASI_RIGHTS_FD_TELL;
  CHECK_OK(wasi_path_open(3, 0, path, (uint32_t)text_length(path), flags, rights, rights, 0, &fd));
  return fd;
}

static void *work(void *argument) {
  CHECK(own == 11 && zeroed[99] == 0);
  own = 22;
  zeroed[99] = 1;
  opened = open_at("shared.txt", WASI_OFLAGS_CREAT);
  CHECK_OK(write_bytes(opened, "from the thread", 15));
  CHECK_OK(wasix_chdir("/deep/er", 8));
  uint32_t variables = 0, bytes = 0;
  CHECK_OK(wasi_environ_sizes_get(&variables, &bytes));
  CHECK(variables == 1 && bytes == 9);
  CHECK(__builtin_wasm_memory_grow(0, 3) != (size_t)-1);
  return argument;
}

static void *close_it(void *argument) {
  CHECK_OK(wasi_fd_close(opened));
  return argument;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  own = 33;
  CHECK_OK(wasi_path_create_directory(3, "deep", 4));
  CHECK_OK(wasi_path_create_directory(3, "deep/er", 7));
  uint32_t pages = (uint32_t)__builtin_wasm_memory_size(0);
  struct thread *thread = thread_start(work, NULL);
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK(own == 33 && zeroed[99] == 0);

  // The descriptor is this thread's too, and its offset is where the other left it.
  uint64_t offset = 0;
  CHECK_OK(wasi_fd_tell(opened, &offset));
  CHECK(offset == 15);
  char directory[32];
  uint32_t size = sizeof directory;
  CHECK_OK(wasix_getcwd(directory, &size));
  CHECK(memcmp(directory, "/deep/er", 8) == 0);

  // Memory that another thread made is good for a call of this one.
  uint32_t grown = (uint32_t)__builtin_wasm_memory_size(0);
  CHECK(grown >= pages + 3);
  uint8_t *far = (uint8_t *)(grown * 65536 - 64);
  CHECK_OK(wasi_fd_seek(opened, 0, WASI_WHENCE_SET, &offset));
  struct wasi_iovec piece = {far, 64};
  uint32_t count = 0;
  CHECK_OK(wasi_fd_read(opened, &piece, 1, &count));
  CHECK(count == 15 && memcmp(far, "from the thread", 15) == 0);

  thread = thread_start(close_it, NULL);
  CHECK_OK(wasix_thread_join(thread->tid));
  CHECK_ERRNO(WASI_EBADF, wasi_fd_tell(opened, &offset));
  print("shared\n");
  return 0;
}
