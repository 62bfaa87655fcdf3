// guest: threads
// instrumented: yes
// Talks with a terminal. The arguments say what it does, one after the other: `size` and `modes` print them, `raw` and `cooked` and `password` set
// them, `line` prints what one read gives, `handle` handles signals from then on, `sleep` waits until a signal came, `poll` waits for a key.
#include "weft.h"

static _Atomic uint32_t last_signal;

__attribute__((export_name("take_signal"))) void take_signal(int32_t signal) { last_signal = (uint32_t)signal; }

static struct wasi_tty terminal(void) {
  struct wasi_tty state;
  CHECK_OK(wasix_tty_get(&state));
  return state;
}

static void set_modes(bool echo, bool lines) {
  struct wasi_tty state = terminal();
  state.echo = echo;
  state.line_buffered = lines;
  CHECK_OK(wasix_tty_set(&state));
}

static void print_line(void) {
  uint8_t bytes[100];
  const struct wasi_iovec piece = {bytes, sizeof bytes - 1};
  uint32_t count = 0;
  int32_t errno = wasi_fd_read(0, &piece, 1, &count);
  if (errno) {
    print("errno %d\n", errno);
    return;
  }
  bytes[count] = 0;
  while (count && bytes[count - 1] == '\n') bytes[--count] = 0;
  print("read %u: %s\n", count, (char *)bytes);
}

static void wait_for_key(void) {
  struct wasi_subscription want = {.u.tag = WASI_EVENTTYPE_FD_READ, .u.u.fd_read.file_descriptor = 0};
  struct wasi_event told;
  uint32_t count = 0;
  CHECK_OK(wasi_poll_oneoff(&want, &told, 1, &count));
  print("key: %lu\n", told.fd_readwrite.nbytes);
}

static void do_it(const char *what) {
  if (text_equal(what, "size")) {
    struct wasi_tty state = terminal();
    print("size %u %u\n", state.cols, state.rows);
  } else if (text_equal(what, "modes")) {
    struct wasi_tty state = terminal();
    print("terminals %u%u%u echo %u lines %u\n", state.stdin_tty, state.stdout_tty, state.stderr_tty, state.echo,
          state.line_buffered);
  } else if (text_equal(what, "raw")) set_modes(false, false);
  else if (text_equal(what, "cooked")) set_modes(true, true);
  else if (text_equal(what, "password")) set_modes(false, true);
  else if (text_equal(what, "line")) print_line();
  else if (text_equal(what, "poll")) wait_for_key();
  else if (text_equal(what, "handle")) wasix_callback_signal("take_signal", 11);
  else if (text_equal(what, "sleep")) {
    while (!last_signal) CHECK_OK(wasix_thread_sleep(2000000));
    print("signal %u\n", last_signal);
    last_signal = 0;
  } else print("%s\n", what);
}

int main(int argc, char **argv) {
  for (int index = 1; index < argc; index++) do_it(argv[index]);
  return 7;
}
