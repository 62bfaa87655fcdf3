// guest: threads
// Starts the program that its arguments name, waits for it, and ends with its exit code.
#include "children.h"

int main(int argc, char **argv) {
  if (argc < 2) {
    complain("usage: start PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  int32_t pid;
  int32_t error = wasix_proc_spawn3(argv[1], text_length(argv[1]), (const uint8_t **)argv + 1, (uint32_t)argc - 1, NULL, 0, NULL, 0, NULL,
                                    0, 1, NO_PATH, 0, &pid);
  if (error != WASI_SUCCESS) {
    complain("%s: errno %d\n", argv[1], error);
    return error == WASI_ENOENT ? 127 : 126;
  }
  struct end end;
  CHECK_OK(join_child(pid, 0, &end));
  print("%s ended with %d\n", argv[1], end.code);
  return (int)end.code;
}
