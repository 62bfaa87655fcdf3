// guest: threads
// Copies its standard input to its standard output on a second thread; ends with the number of its lines.
#include "weft.h"

static uint32_t lines;

static void *copy(void *argument) {
  (void)argument;
  static uint8_t bytes[4096];
  for (;;) {
    const struct wasi_iovec piece = {bytes, sizeof bytes};
    uint32_t count;
    CHECK_OK(wasi_fd_read(0, &piece, 1, &count));
    if (count == 0) return NULL;
    for (uint32_t index = 0; index < count; index++) lines += bytes[index] == '\n';
    write_bytes(1, bytes, count);
  }
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  thread_result(thread_start(copy, NULL));
  return (int)lines;
}
