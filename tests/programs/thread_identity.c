// guest: threads
// Ids of threads: known inside and outside, growing, never used twice. Prints the process's id and then each thread's.
#include "weft.h"

static int32_t own_id(void) {
  int32_t tid = 0;
  CHECK_OK(wasix_thread_id(&tid));
  return tid;
}

static void *tell_id(void *argument) {
  return (void *)(uintptr_t)(own_id() + (int32_t)argument);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  int32_t pid = 0;
  CHECK_OK(wasix_proc_id(&pid));
  CHECK(own_id() == pid);
  print("%d\n", pid);
  int32_t last = pid;
  for (uint64_t left = text_number(argv[1]); left > 0; left--) {
    struct thread *thread = thread_start(tell_id, (void *)1000000);
    int32_t inside = (int32_t)thread_result(thread) - 1000000;
    CHECK_OK(wasix_thread_join(thread->tid));
    CHECK(inside == thread->tid);
    CHECK(inside > last);
    last = inside;
    print("%d\n", inside);
  }
  CHECK_ERRNO(WASI_EMEMVIOLATION, wasix_thread_id((int32_t *)0xfffffff0u));
  return 0;
}
