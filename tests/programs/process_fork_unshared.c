// instrumented: yes
// Forks of a program whose memory is its own: it is not shared, and exported, as the C library of WASI links it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wasix.h"

#define CHECK(what) ((what) ? (void)0 : (printf("line %d: %s\n", __LINE__, #what), exit(1)))

static int32_t fork_process(void) {
  int32_t pid = -1;
  CHECK(wasix_proc_fork(1, &pid) == WASI_SUCCESS);
  return pid;
}

static uint32_t wait_for(int32_t pid) {
  struct wasi_option_pid which = {.tag = WASI_OPTION_SOME, .u.some = pid};
  struct wasi_join_status status;
  CHECK(wasix_proc_join(&which, 0, &status) == WASI_SUCCESS);
  CHECK(status.tag == WASI_JOIN_STATUS_TYPE_EXIT_NORMAL);
  return (uint16_t)status.u.exit_normal;
}

static int global = 5;

int main(void) {
  volatile int local = 6;
  // Grown beyond what an instance begins with.
  char *much = malloc(5000000);
  CHECK(much);
  memset(much, 7, 5000000);
  for (int round = 0; round < 3; round++) {
    int32_t pid = fork_process();
    if (pid == 0) {
      CHECK(global == 5 + round && local == 6);
      for (int at = 0; at < 5000000; at++) CHECK(much[at] == 7);
      global = local = 99;
      memset(much, 8, 5000000);
      // Its own child has what it made of it.
      int32_t below = fork_process();
      if (below == 0) exit(global == 99 && local == 99 && much[4999999] == 8 ? 3 : 4);
      CHECK(wait_for(below) == 3);
      exit(20 + round);
    }
    CHECK(wait_for(pid) == 20u + (uint32_t)round);
    CHECK(global == 5 + round && local == 6 && much[0] == 7 && much[4999999] == 7);
    global++;
  }
  puts("done");
  return 0;
}
