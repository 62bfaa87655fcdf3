// Starting this very program again as a child, for the guest programs about processes. Their file is /bin/self in the guest's tree.
#pragma once

#include "weft.h"

#define SELF "/bin/self"
#define NO_PATH ""

KIT int32_t own_pid(void) {
  int32_t pid = 0;
  CHECK_OK(wasix_proc_id(&pid));
  return pid;
}

// Starts a program with arguments that are lines, the first the program's name; gives its pid.
KIT int32_t spawn_with(const char *name, const char *lines, const struct wasi_proc_spawn_fd_op *operations, uint32_t count) {
  int32_t pid = 0;
  CHECK_OK(wasix_proc_spawn2(name, text_length(name), lines, text_length(lines), NULL, 0, operations, count, NULL, 0, 0,
                             NO_PATH, 0, &pid));
  CHECK(pid > own_pid());
  return pid;
}

KIT int32_t spawn_self(const char *lines) { return spawn_with(SELF, lines, NULL, 0); }

struct end {
  int32_t pid;
  bool is_signal;
  uint32_t code;
};

// Waits for a child, or for any where the pid is 0, whatever signals come. Gives the errno.
KIT int32_t join_child(int32_t pid, uint32_t flags, struct end *end) {
  struct wasi_option_pid which = {.tag = pid ? WASI_OPTION_SOME : WASI_OPTION_NONE, .u.some = pid};
  struct wasi_join_status status = {.tag = 0xff};
  int32_t error;
  do {
    error = wasix_proc_join(&which, flags, &status);
  } while (error == WASI_EINTR);
  if (error) return error;
  CHECK(which.tag == WASI_OPTION_SOME);
  *end = (struct end){.pid = which.u.some};
  if (status.tag == WASI_JOIN_STATUS_TYPE_EXIT_NORMAL) end->code = (uint16_t)status.u.exit_normal;
  else if (status.tag == WASI_JOIN_STATUS_TYPE_EXIT_SIGNAL) {
    end->is_signal = true;
    end->code = status.u.exit_signal.signal;
  } else CHECK(status.tag == WASI_JOIN_STATUS_TYPE_NOTHING && which.u.some == 0);
  return WASI_SUCCESS;
}

// Waits for a child that must exit with this code.
KIT void expect_exit(int32_t pid, uint32_t code) {
  struct end end;
  CHECK_OK(join_child(pid, 0, &end));
  CHECK(end.pid == pid && !end.is_signal && end.code == code);
}

// Waits for a child that a signal must end.
KIT void expect_signal(int32_t pid, uint32_t signal) {
  struct end end;
  CHECK_OK(join_child(pid, 0, &end));
  CHECK(end.pid == pid && end.is_signal && end.code == signal);
}

// Reads to the end; gives the number of bytes.
KIT uint32_t read_all(int32_t fd, char *bytes, uint32_t room) {
  uint32_t total = 0;
  for (;;) {
    const struct wasi_iovec piece = {(uint8_t *)bytes + total, room - total};
    uint32_t count = 0;
    CHECK_OK(wasi_fd_read(fd, &piece, 1, &count));
    if (count == 0) return total;
    total += count;
  }
}
