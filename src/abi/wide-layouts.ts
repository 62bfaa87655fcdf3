/**
 * Layouts of the structures that hold pointers or sizes, as programs with a 64-bit memory have them: those are 64 bits wide, all else is as in `layouts.ts`.
 * Arrays of pointers and `iovec`s follow from that width alone.
 */

/** `thread_start`: sixteen pointers or sizes. */
export const ThreadStart64 = {
  $size: 128,
  $align: 8,
  stack: 0,
  tls_base: 8,
  stack_size: 112,
  guard_size: 120,
} as const;

/** `proc_spawn_fd_op`. */
export const ProcSpawnFdOp64 = {
  $size: 64,
  $align: 8,
  cmd: 0,
  fd: 4,
  src_fd: 8,
  path: 16,
  path_len: 24,
  dirflags: 32,
  oflags: 36,
  fs_rights_base: 40,
  fs_rights_inheriting: 48,
  fdflags: 56,
  fdflagsext: 58,
} as const;
