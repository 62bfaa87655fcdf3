// guest: threads
// Recurses until the stack is used up and calls the kernel on every level, so that each call meets every amount of stack that may be left. The call is chosen
// by the first argument, the size of the frames by the second; with a third, it happens on a thread while another makes the same call.
#include "weft.h"

static const char *wanted;
static uint32_t frame;
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

// The same with a frame that the engine makes larger: many values live across the call.
__attribute__((noinline)) static uint64_t recurse_wide(uint64_t depth) {
  volatile uint64_t source = depth;
  uint64_t a = source, b = source, c = source, d = source, e = source, f = source, g = source, h = source, i = source;
  uint64_t j = source, k = source, l = source, m = source, n = source, o = source, p = source, q = source, r = source;
  call();
  if (word == 12345) return depth;
  uint64_t deeper = recurse_wide(depth + 1);
  return deeper + word + (a ^ b) * (c ^ d) * (e ^ f) * (g ^ h) * (i ^ j) * (k ^ l) * (m ^ n) * (o ^ p) * (q ^ r);
}

static void *descend(void *argument) {
  if (frame == 0) recurse(0);
  else recurse_wide(0);
  return argument;
}

static void *call_for_ever(void *argument) {
  for (;;) call();
  return argument;
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  wanted = argv[1];
  frame = (uint32_t)text_number(argv[2]);
  CHECK_OK(wasix_fd_pipe(&reader, &writer));
  CHECK_OK(wasi_path_open(3, 0, "dev/null", 8, 0, WASI_RIGHTS_FD_WRITE, 0, 0, &null_fd));
  if (argc > 3) {
    struct thread *thread = allocate(sizeof *thread);
    void *stack = allocate(1 << 25);
    CHECK_OK(thread_start_on(thread, stack, 1 << 25, descend, NULL));
    call_for_ever(NULL);
  }
  descend(NULL);
  return 1;
}
