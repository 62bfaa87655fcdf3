// guest: threads
// Recurses until the stack is used up and calls the kernel on every level, so that each call meets every amount of stack that may be left. The call is chosen
// by the first argument; with a second, it happens on a thread while another makes the same call.
#include "weft.h"

static const char *wanted;
static _Atomic uint32_t word;
static int32_t null_fd = -1;
static int32_t reader, writer;

static void call(void) {
  switch (wanted[0]) {
  case 'w': write_bytes(null_fd, "x", 1); break;
  case 'f': word_wake_all(&word); break;
  case 't': word_wait(&word, 0, 0); break;
  case 'p': {
    uint8_t byte;
    const struct wasi_iovec piece = {&byte, 1};
    uint32_t count;
    write_bytes(writer, "x", 1);
    wasi_fd_read(reader, &piece, 1, &count);
    break;
  }
  case 'o': {
    int32_t fd = -1;
    if (wasi_path_open(3, 0, "file", 4, WASI_OFLAGS_CREAT, WASI_RIGHTS_FD_WRITE, 0, 0, &fd) == 0) wasi_fd_close(fd);
    break;
  }
  case 'c': now_nanoseconds(); break;
  case 'j': wasix_thread_join(99999); break;
  }
}

__attribute__((noinline)) static uint32_t recurse(uint32_t depth) {
  call();
  if (word == 12345) return depth;
  return recurse(depth + 1) + word;
}

static void *descend(void *argument) {
  recurse(0);
  return argument;
}

static void *call_for_ever(void *argument) {
  for (;;) call();
  return argument;
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  wanted = argv[1];
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  CHECK_OK(wasi_path_open(3, 0, "dev/null", 8, 0, WASI_RIGHTS_FD_WRITE, 0, 0, &null_fd));
  if (argc > 2) {
    struct thread *thread = allocate(sizeof *thread);
    void *stack = allocate(1 << 25);
    CHECK_OK(thread_start_on(thread, stack, 1 << 25, descend, NULL));
    call_for_ever(NULL);
  }
  descend(NULL);
  return 1;
}
