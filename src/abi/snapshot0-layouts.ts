/** Shapes of structs that the first WASI snapshot (module `wasi_unstable`) has otherwise, as `layouts.ts` describes them. */

/** `filestat` of the first WASI snapshot (module `wasi_unstable`): the link count has 32 bits. */
export const FilestatSnapshot0 = {
  $size: 56,
  $align: 8,
  dev: 0,
  ino: 8,
  filetype: 16,
  nlink: 20,
  size: 24,
  atim: 32,
  mtim: 40,
  ctim: 48,
} as const;

/** `subscription` of the first WASI snapshot (module `wasi_unstable`): a clock carries an identifier more. */
export const SubscriptionSnapshot0 = {
  $size: 56,
  $align: 8,
  userdata: 0,
  tag: 8,
  clock: 16,
  clock_identifier: 16,
  clock_id: 24,
  clock_timeout: 32,
  clock_precision: 40,
  clock_flags: 48,
  fd_read: 16,
  fd_read_file_descriptor: 16,
  fd_write: 16,
  fd_write_file_descriptor: 16,
} as const;
