// guest: threads
//
// Makes random calls with random arguments, of every import there is, on several threads that share descriptors, files and futex words.
//
//   hostile_random_calls SEED CALLS THREADS MODE [PATH…]
//
// CALLS is the number of calls of each thread. MODE "stay": no call that ends the process; the program ends by itself with code 42, 3 for a call that
// gave no errno, 4 for a call that wrote where it was not told to. MODE "end": also those calls; anything may happen to the program.
// PATHs are more names to try.
//
// What the kernel is told to write to lies in the last megabyte of the memory ("outside"), so that a length that is far too large hits nothing but
// that and the end. What it reads lies in an area of each thread ("inside"), which is compared after each call.
// A guard thread looks for threads that are stuck in a call and frees them: wakes the futex words, sends a signal that is ignored, closes descriptors.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

void *memset(void *to, int byte, size_t size) {
  uint8_t *at = to;
  while (size--) *at++ = (uint8_t)byte;
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *at = to;
  const uint8_t *source = from;
  while (size--) *at++ = *source++;
  return to;
}

enum sort { ORDINARY, SPAWNS, ENDS };

// Kinds, a letter for each parameter: f descriptor, F one that may be lost, D directory, R rights, s signal, t thread, P process, d nanoseconds to sleep, 8 any of 64 bits,
// S text with L its length, V buffers to read into and W to write from with N their number, Q subscriptions with M their number, T a timeout,
// K futex word, H start record, o small result, O other result, i other input, z size, g flags and numbers.
struct call {
  const char *name;
  int32_t (*make)(const uint64_t *arguments);
  const char *kinds;
  enum sort sort;
  // It registers a handler of signals.
  bool handler;
};

// --- generated: imports
IMPORT("wasi_snapshot_preview1", "args_get") int32_t i0(int32_t, int32_t);
static int32_t c0(const uint64_t *a) { return i0((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "args_sizes_get") int32_t i1(int32_t, int32_t);
static int32_t c1(const uint64_t *a) { return i1((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "environ_get") int32_t i2(int32_t, int32_t);
static int32_t c2(const uint64_t *a) { return i2((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "environ_sizes_get") int32_t i3(int32_t, int32_t);
static int32_t c3(const uint64_t *a) { return i3((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "clock_res_get") int32_t i4(int32_t, int32_t);
static int32_t c4(const uint64_t *a) { return i4((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "clock_time_get") int32_t i5(int32_t, int64_t, int32_t);
static int32_t c5(const uint64_t *a) { return i5((int32_t)a[0], (int64_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "fd_advise") int32_t i6(int32_t, int64_t, int64_t, int32_t);
static int32_t c6(const uint64_t *a) { return i6((int32_t)a[0], (int64_t)a[1], (int64_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_snapshot_preview1", "fd_allocate") int32_t i7(int32_t, int64_t, int64_t);
static int32_t c7(const uint64_t *a) { return i7((int32_t)a[0], (int64_t)a[1], (int64_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "fd_close") int32_t i8(int32_t);
static int32_t c8(const uint64_t *a) { return i8((int32_t)a[0]); }
IMPORT("wasi_snapshot_preview1", "fd_datasync") int32_t i9(int32_t);
static int32_t c9(const uint64_t *a) { return i9((int32_t)a[0]); }
IMPORT("wasi_snapshot_preview1", "fd_fdstat_get") int32_t i10(int32_t, int32_t);
static int32_t c10(const uint64_t *a) { return i10((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_fdstat_set_flags") int32_t i11(int32_t, int32_t);
static int32_t c11(const uint64_t *a) { return i11((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_fdstat_set_rights") int32_t i12(int32_t, int64_t, int64_t);
static int32_t c12(const uint64_t *a) { return i12((int32_t)a[0], (int64_t)a[1], (int64_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "fd_filestat_get") int32_t i13(int32_t, int32_t);
static int32_t c13(const uint64_t *a) { return i13((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_filestat_set_size") int32_t i14(int32_t, int64_t);
static int32_t c14(const uint64_t *a) { return i14((int32_t)a[0], (int64_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_filestat_set_times") int32_t i15(int32_t, int64_t, int64_t, int32_t);
static int32_t c15(const uint64_t *a) { return i15((int32_t)a[0], (int64_t)a[1], (int64_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_snapshot_preview1", "fd_pread") int32_t i16(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c16(const uint64_t *a) { return i16((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_snapshot_preview1", "fd_prestat_get") int32_t i17(int32_t, int32_t);
static int32_t c17(const uint64_t *a) { return i17((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_prestat_dir_name") int32_t i18(int32_t, int32_t, int32_t);
static int32_t c18(const uint64_t *a) { return i18((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "fd_pwrite") int32_t i19(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c19(const uint64_t *a) { return i19((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_snapshot_preview1", "fd_read") int32_t i20(int32_t, int32_t, int32_t, int32_t);
static int32_t c20(const uint64_t *a) { return i20((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_snapshot_preview1", "fd_readdir") int32_t i21(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c21(const uint64_t *a) { return i21((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_snapshot_preview1", "fd_renumber") int32_t i22(int32_t, int32_t);
static int32_t c22(const uint64_t *a) { return i22((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_seek") int32_t i23(int32_t, int64_t, int32_t, int32_t);
static int32_t c23(const uint64_t *a) { return i23((int32_t)a[0], (int64_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_snapshot_preview1", "fd_sync") int32_t i24(int32_t);
static int32_t c24(const uint64_t *a) { return i24((int32_t)a[0]); }
IMPORT("wasi_snapshot_preview1", "fd_tell") int32_t i25(int32_t, int32_t);
static int32_t c25(const uint64_t *a) { return i25((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "fd_write") int32_t i26(int32_t, int32_t, int32_t, int32_t);
static int32_t c26(const uint64_t *a) { return i26((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_snapshot_preview1", "path_create_directory") int32_t i27(int32_t, int32_t, int32_t);
static int32_t c27(const uint64_t *a) { return i27((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "path_filestat_get") int32_t i28(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c28(const uint64_t *a) { return i28((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_snapshot_preview1", "path_filestat_set_times") int32_t i29(int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t);
static int32_t c29(const uint64_t *a) { return i29((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int64_t)a[4], (int64_t)a[5], (int32_t)a[6]); }
IMPORT("wasi_snapshot_preview1", "path_link") int32_t i30(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c30(const uint64_t *a) { return i30((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6]); }
IMPORT("wasi_snapshot_preview1", "path_open") int32_t i31(int32_t, int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t, int32_t);
static int32_t c31(const uint64_t *a) { return i31((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int64_t)a[5], (int64_t)a[6], (int32_t)a[7], (int32_t)a[8]); }
IMPORT("wasi_snapshot_preview1", "path_readlink") int32_t i32(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c32(const uint64_t *a) { return i32((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi_snapshot_preview1", "path_remove_directory") int32_t i33(int32_t, int32_t, int32_t);
static int32_t c33(const uint64_t *a) { return i33((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "path_rename") int32_t i34(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c34(const uint64_t *a) { return i34((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi_snapshot_preview1", "path_symlink") int32_t i35(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c35(const uint64_t *a) { return i35((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_snapshot_preview1", "path_unlink_file") int32_t i36(int32_t, int32_t, int32_t);
static int32_t c36(const uint64_t *a) { return i36((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "poll_oneoff") int32_t i37(int32_t, int32_t, int32_t, int32_t);
static int32_t c37(const uint64_t *a) { return i37((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_snapshot_preview1", "proc_exit") void i38(int32_t);
static int32_t c38(const uint64_t *a) { i38((int32_t)a[0]); return 0; }
IMPORT("wasi_snapshot_preview1", "proc_raise") int32_t i39(int32_t);
static int32_t c39(const uint64_t *a) { return i39((int32_t)a[0]); }
IMPORT("wasi_snapshot_preview1", "sched_yield") int32_t i40(void);
static int32_t c40(const uint64_t *a) { (void)a; return i40(); }
IMPORT("wasi_snapshot_preview1", "random_get") int32_t i41(int32_t, int32_t);
static int32_t c41(const uint64_t *a) { return i41((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "sock_accept") int32_t i42(int32_t, int32_t, int32_t);
static int32_t c42(const uint64_t *a) { return i42((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_snapshot_preview1", "sock_recv") int32_t i43(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c43(const uint64_t *a) { return i43((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi_snapshot_preview1", "sock_send") int32_t i44(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c44(const uint64_t *a) { return i44((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_snapshot_preview1", "sock_shutdown") int32_t i45(int32_t, int32_t);
static int32_t c45(const uint64_t *a) { return i45((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_snapshot_preview1", "thread-spawn") int32_t i46(int32_t);
static int32_t c46(const uint64_t *a) { return i46((int32_t)a[0]); }
IMPORT("wasix_32v1", "clock_time_set") int32_t i47(int32_t, int64_t);
static int32_t c47(const uint64_t *a) { return i47((int32_t)a[0], (int64_t)a[1]); }
IMPORT("wasix_32v1", "fd_dup") int32_t i48(int32_t, int32_t);
static int32_t c48(const uint64_t *a) { return i48((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_dup2") int32_t i49(int32_t, int32_t, int32_t, int32_t);
static int32_t c49(const uint64_t *a) { return i49((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "fd_event") int32_t i50(int64_t, int32_t, int32_t);
static int32_t c50(const uint64_t *a) { return i50((int64_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "fd_pipe") int32_t i51(int32_t, int32_t);
static int32_t c51(const uint64_t *a) { return i51((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "tty_get") int32_t i52(int32_t);
static int32_t c52(const uint64_t *a) { return i52((int32_t)a[0]); }
IMPORT("wasix_32v1", "tty_set") int32_t i53(int32_t);
static int32_t c53(const uint64_t *a) { return i53((int32_t)a[0]); }
IMPORT("wasix_32v1", "getcwd") int32_t i54(int32_t, int32_t);
static int32_t c54(const uint64_t *a) { return i54((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "chdir") int32_t i55(int32_t, int32_t);
static int32_t c55(const uint64_t *a) { return i55((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "callback_signal") void i56(int32_t, int32_t);
static int32_t c56(const uint64_t *a) { i56((int32_t)a[0], (int32_t)a[1]); return 0; }
IMPORT("wasix_32v1", "thread_spawn_v2") int32_t i57(int32_t, int32_t);
static int32_t c57(const uint64_t *a) { return i57((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "thread_sleep") int32_t i58(int64_t);
static int32_t c58(const uint64_t *a) { return i58((int64_t)a[0]); }
IMPORT("wasix_32v1", "thread_id") int32_t i59(int32_t);
static int32_t c59(const uint64_t *a) { return i59((int32_t)a[0]); }
IMPORT("wasix_32v1", "thread_join") int32_t i60(int32_t);
static int32_t c60(const uint64_t *a) { return i60((int32_t)a[0]); }
IMPORT("wasix_32v1", "thread_parallelism") int32_t i61(int32_t);
static int32_t c61(const uint64_t *a) { return i61((int32_t)a[0]); }
IMPORT("wasix_32v1", "thread_signal") int32_t i62(int32_t, int32_t);
static int32_t c62(const uint64_t *a) { return i62((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "futex_wait") int32_t i63(int32_t, int32_t, int32_t, int32_t);
static int32_t c63(const uint64_t *a) { return i63((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "futex_wake") int32_t i64(int32_t, int32_t);
static int32_t c64(const uint64_t *a) { return i64((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "futex_wake_all") int32_t i65(int32_t, int32_t);
static int32_t c65(const uint64_t *a) { return i65((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "thread_exit") void i66(int32_t);
static int32_t c66(const uint64_t *a) { i66((int32_t)a[0]); return 0; }
IMPORT("wasix_32v1", "stack_checkpoint") int32_t i67(int32_t, int32_t);
static int32_t c67(const uint64_t *a) { return i67((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "stack_restore") void i68(int32_t, int64_t);
static int32_t c68(const uint64_t *a) { i68((int32_t)a[0], (int64_t)a[1]); return 0; }
IMPORT("wasix_32v1", "path_open2") int32_t i69(int32_t, int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t, int32_t, int32_t);
static int32_t c69(const uint64_t *a) { return i69((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int64_t)a[5], (int64_t)a[6], (int32_t)a[7], (int32_t)a[8], (int32_t)a[9]); }
IMPORT("wasix_32v1", "fd_fdflags_get") int32_t i70(int32_t, int32_t);
static int32_t c70(const uint64_t *a) { return i70((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_fdflags_set") int32_t i71(int32_t, int32_t);
static int32_t c71(const uint64_t *a) { return i71((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "proc_raise_interval") int32_t i72(int32_t, int64_t, int32_t);
static int32_t c72(const uint64_t *a) { return i72((int32_t)a[0], (int64_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "proc_fork") int32_t i73(int32_t, int32_t);
static int32_t c73(const uint64_t *a) { return i73((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "proc_fork_env") int32_t i74(int32_t);
static int32_t c74(const uint64_t *a) { return i74((int32_t)a[0]); }
IMPORT("wasix_32v1", "proc_exit2") void i75(int32_t);
static int32_t c75(const uint64_t *a) { i75((int32_t)a[0]); return 0; }
IMPORT("wasix_32v1", "proc_exec") void i76(int32_t, int32_t, int32_t, int32_t);
static int32_t c76(const uint64_t *a) { i76((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); return 0; }
IMPORT("wasix_32v1", "proc_exec2") void i77(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c77(const uint64_t *a) { i77((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); return 0; }
IMPORT("wasix_32v1", "proc_exec3") int32_t i78(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c78(const uint64_t *a) { return i78((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6], (int32_t)a[7], (int32_t)a[8]); }
IMPORT("wasix_32v1", "proc_spawn") int32_t i79(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c79(const uint64_t *a) { return i79((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6], (int32_t)a[7], (int32_t)a[8], (int32_t)a[9], (int32_t)a[10], (int32_t)a[11], (int32_t)a[12]); }
IMPORT("wasix_32v1", "proc_spawn2") int32_t i80(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c80(const uint64_t *a) { return i80((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6], (int32_t)a[7], (int32_t)a[8], (int32_t)a[9], (int32_t)a[10], (int32_t)a[11], (int32_t)a[12], (int32_t)a[13]); }
IMPORT("wasix_32v1", "proc_id") int32_t i81(int32_t);
static int32_t c81(const uint64_t *a) { return i81((int32_t)a[0]); }
IMPORT("wasix_32v1", "proc_parent") int32_t i82(int32_t, int32_t);
static int32_t c82(const uint64_t *a) { return i82((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "proc_join") int32_t i83(int32_t, int32_t, int32_t);
static int32_t c83(const uint64_t *a) { return i83((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "proc_signal") int32_t i84(int32_t, int32_t);
static int32_t c84(const uint64_t *a) { return i84((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "proc_signals_get") int32_t i85(int32_t);
static int32_t c85(const uint64_t *a) { return i85((int32_t)a[0]); }
IMPORT("wasix_32v1", "proc_signals_sizes_get") int32_t i86(int32_t);
static int32_t c86(const uint64_t *a) { return i86((int32_t)a[0]); }
IMPORT("wasix_32v1", "proc_snapshot") int32_t i87(void);
static int32_t c87(const uint64_t *a) { (void)a; return i87(); }
IMPORT("wasix_32v1", "port_bridge") int32_t i88(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c88(const uint64_t *a) { return i88((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "port_unbridge") int32_t i89(void);
static int32_t c89(const uint64_t *a) { (void)a; return i89(); }
IMPORT("wasix_32v1", "port_dhcp_acquire") int32_t i90(void);
static int32_t c90(const uint64_t *a) { (void)a; return i90(); }
IMPORT("wasix_32v1", "port_addr_add") int32_t i91(int32_t);
static int32_t c91(const uint64_t *a) { return i91((int32_t)a[0]); }
IMPORT("wasix_32v1", "port_addr_remove") int32_t i92(int32_t);
static int32_t c92(const uint64_t *a) { return i92((int32_t)a[0]); }
IMPORT("wasix_32v1", "port_addr_clear") int32_t i93(void);
static int32_t c93(const uint64_t *a) { (void)a; return i93(); }
IMPORT("wasix_32v1", "port_mac") int32_t i94(int32_t);
static int32_t c94(const uint64_t *a) { return i94((int32_t)a[0]); }
IMPORT("wasix_32v1", "port_addr_list") int32_t i95(int32_t, int32_t);
static int32_t c95(const uint64_t *a) { return i95((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "port_gateway_set") int32_t i96(int32_t);
static int32_t c96(const uint64_t *a) { return i96((int32_t)a[0]); }
IMPORT("wasix_32v1", "port_route_add") int32_t i97(int32_t, int32_t, int32_t, int32_t);
static int32_t c97(const uint64_t *a) { return i97((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "port_route_remove") int32_t i98(int32_t);
static int32_t c98(const uint64_t *a) { return i98((int32_t)a[0]); }
IMPORT("wasix_32v1", "port_route_clear") int32_t i99(void);
static int32_t c99(const uint64_t *a) { (void)a; return i99(); }
IMPORT("wasix_32v1", "port_route_list") int32_t i100(int32_t, int32_t);
static int32_t c100(const uint64_t *a) { return i100((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_status") int32_t i101(int32_t, int32_t);
static int32_t c101(const uint64_t *a) { return i101((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_addr_local") int32_t i102(int32_t, int32_t);
static int32_t c102(const uint64_t *a) { return i102((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_addr_peer") int32_t i103(int32_t, int32_t);
static int32_t c103(const uint64_t *a) { return i103((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_open") int32_t i104(int32_t, int32_t, int32_t, int32_t);
static int32_t c104(const uint64_t *a) { return i104((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "sock_pair") int32_t i105(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c105(const uint64_t *a) { return i105((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "sock_set_opt_flag") int32_t i106(int32_t, int32_t, int32_t);
static int32_t c106(const uint64_t *a) { return i106((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_get_opt_flag") int32_t i107(int32_t, int32_t, int32_t);
static int32_t c107(const uint64_t *a) { return i107((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_set_opt_time") int32_t i108(int32_t, int32_t, int32_t);
static int32_t c108(const uint64_t *a) { return i108((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_get_opt_time") int32_t i109(int32_t, int32_t, int32_t);
static int32_t c109(const uint64_t *a) { return i109((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_set_opt_size") int32_t i110(int32_t, int32_t, int64_t);
static int32_t c110(const uint64_t *a) { return i110((int32_t)a[0], (int32_t)a[1], (int64_t)a[2]); }
IMPORT("wasix_32v1", "sock_get_opt_size") int32_t i111(int32_t, int32_t, int32_t);
static int32_t c111(const uint64_t *a) { return i111((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_join_multicast_v4") int32_t i112(int32_t, int32_t, int32_t);
static int32_t c112(const uint64_t *a) { return i112((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_leave_multicast_v4") int32_t i113(int32_t, int32_t, int32_t);
static int32_t c113(const uint64_t *a) { return i113((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_join_multicast_v6") int32_t i114(int32_t, int32_t, int32_t);
static int32_t c114(const uint64_t *a) { return i114((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_leave_multicast_v6") int32_t i115(int32_t, int32_t, int32_t);
static int32_t c115(const uint64_t *a) { return i115((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "sock_bind") int32_t i116(int32_t, int32_t);
static int32_t c116(const uint64_t *a) { return i116((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_listen") int32_t i117(int32_t, int32_t);
static int32_t c117(const uint64_t *a) { return i117((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_accept_v2") int32_t i118(int32_t, int32_t, int32_t, int32_t);
static int32_t c118(const uint64_t *a) { return i118((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "sock_connect") int32_t i119(int32_t, int32_t);
static int32_t c119(const uint64_t *a) { return i119((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_recv_from") int32_t i120(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c120(const uint64_t *a) { return i120((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6]); }
IMPORT("wasix_32v1", "sock_send_to") int32_t i121(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c121(const uint64_t *a) { return i121((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "sock_send_file") int32_t i122(int32_t, int32_t, int64_t, int64_t, int32_t);
static int32_t c122(const uint64_t *a) { return i122((int32_t)a[0], (int32_t)a[1], (int64_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "resolve") int32_t i123(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c123(const uint64_t *a) { return i123((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "epoll_create") int32_t i124(int32_t);
static int32_t c124(const uint64_t *a) { return i124((int32_t)a[0]); }
IMPORT("wasix_32v1", "epoll_ctl") int32_t i125(int32_t, int32_t, int32_t, int32_t);
static int32_t c125(const uint64_t *a) { return i125((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "epoll_wait") int32_t i126(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c126(const uint64_t *a) { return i126((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "dl_invalid_handle") int32_t i127(int32_t);
static int32_t c127(const uint64_t *a) { return i127((int32_t)a[0]); }
IMPORT("wasix_32v1", "dlopen") int32_t i128(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c128(const uint64_t *a) { return i128((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6], (int32_t)a[7]); }
IMPORT("wasix_32v1", "dlsym") int32_t i129(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c129(const uint64_t *a) { return i129((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "call_dynamic") int32_t i130(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c130(const uint64_t *a) { return i130((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "closure_prepare") int32_t i131(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c131(const uint64_t *a) { return i131((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6]); }
IMPORT("wasix_32v1", "closure_allocate") int32_t i132(int32_t);
static int32_t c132(const uint64_t *a) { return i132((int32_t)a[0]); }
IMPORT("wasix_32v1", "closure_free") int32_t i133(int32_t);
static int32_t c133(const uint64_t *a) { return i133((int32_t)a[0]); }
IMPORT("wasix_32v1", "reflect_signature") int32_t i134(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c134(const uint64_t *a) { return i134((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "context_create") int32_t i135(int32_t, int32_t);
static int32_t c135(const uint64_t *a) { return i135((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "context_switch") int32_t i136(int64_t);
static int32_t c136(const uint64_t *a) { return i136((int64_t)a[0]); }
IMPORT("wasix_32v1", "context_destroy") int32_t i137(int64_t);
static int32_t c137(const uint64_t *a) { return i137((int64_t)a[0]); }
IMPORT("wasix_32v1", "args_get") int32_t i138(int32_t, int32_t);
static int32_t c138(const uint64_t *a) { return i138((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "args_sizes_get") int32_t i139(int32_t, int32_t);
static int32_t c139(const uint64_t *a) { return i139((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "environ_get") int32_t i140(int32_t, int32_t);
static int32_t c140(const uint64_t *a) { return i140((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "environ_sizes_get") int32_t i141(int32_t, int32_t);
static int32_t c141(const uint64_t *a) { return i141((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "clock_res_get") int32_t i142(int32_t, int32_t);
static int32_t c142(const uint64_t *a) { return i142((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "clock_time_get") int32_t i143(int32_t, int64_t, int32_t);
static int32_t c143(const uint64_t *a) { return i143((int32_t)a[0], (int64_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "fd_advise") int32_t i144(int32_t, int64_t, int64_t, int32_t);
static int32_t c144(const uint64_t *a) { return i144((int32_t)a[0], (int64_t)a[1], (int64_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "fd_allocate") int32_t i145(int32_t, int64_t, int64_t);
static int32_t c145(const uint64_t *a) { return i145((int32_t)a[0], (int64_t)a[1], (int64_t)a[2]); }
IMPORT("wasix_32v1", "fd_close") int32_t i146(int32_t);
static int32_t c146(const uint64_t *a) { return i146((int32_t)a[0]); }
IMPORT("wasix_32v1", "fd_datasync") int32_t i147(int32_t);
static int32_t c147(const uint64_t *a) { return i147((int32_t)a[0]); }
IMPORT("wasix_32v1", "fd_fdstat_get") int32_t i148(int32_t, int32_t);
static int32_t c148(const uint64_t *a) { return i148((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_fdstat_set_flags") int32_t i149(int32_t, int32_t);
static int32_t c149(const uint64_t *a) { return i149((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_fdstat_set_rights") int32_t i150(int32_t, int64_t, int64_t);
static int32_t c150(const uint64_t *a) { return i150((int32_t)a[0], (int64_t)a[1], (int64_t)a[2]); }
IMPORT("wasix_32v1", "fd_filestat_get") int32_t i151(int32_t, int32_t);
static int32_t c151(const uint64_t *a) { return i151((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_filestat_set_size") int32_t i152(int32_t, int64_t);
static int32_t c152(const uint64_t *a) { return i152((int32_t)a[0], (int64_t)a[1]); }
IMPORT("wasix_32v1", "fd_filestat_set_times") int32_t i153(int32_t, int64_t, int64_t, int32_t);
static int32_t c153(const uint64_t *a) { return i153((int32_t)a[0], (int64_t)a[1], (int64_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "fd_pread") int32_t i154(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c154(const uint64_t *a) { return i154((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "fd_prestat_get") int32_t i155(int32_t, int32_t);
static int32_t c155(const uint64_t *a) { return i155((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_prestat_dir_name") int32_t i156(int32_t, int32_t, int32_t);
static int32_t c156(const uint64_t *a) { return i156((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "fd_pwrite") int32_t i157(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c157(const uint64_t *a) { return i157((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "fd_read") int32_t i158(int32_t, int32_t, int32_t, int32_t);
static int32_t c158(const uint64_t *a) { return i158((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "fd_readdir") int32_t i159(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c159(const uint64_t *a) { return i159((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "fd_renumber") int32_t i160(int32_t, int32_t);
static int32_t c160(const uint64_t *a) { return i160((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_seek") int32_t i161(int32_t, int64_t, int32_t, int32_t);
static int32_t c161(const uint64_t *a) { return i161((int32_t)a[0], (int64_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "fd_sync") int32_t i162(int32_t);
static int32_t c162(const uint64_t *a) { return i162((int32_t)a[0]); }
IMPORT("wasix_32v1", "fd_tell") int32_t i163(int32_t, int32_t);
static int32_t c163(const uint64_t *a) { return i163((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "fd_write") int32_t i164(int32_t, int32_t, int32_t, int32_t);
static int32_t c164(const uint64_t *a) { return i164((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "path_create_directory") int32_t i165(int32_t, int32_t, int32_t);
static int32_t c165(const uint64_t *a) { return i165((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "path_filestat_get") int32_t i166(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c166(const uint64_t *a) { return i166((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "path_filestat_set_times") int32_t i167(int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t);
static int32_t c167(const uint64_t *a) { return i167((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int64_t)a[4], (int64_t)a[5], (int32_t)a[6]); }
IMPORT("wasix_32v1", "path_link") int32_t i168(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c168(const uint64_t *a) { return i168((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6]); }
IMPORT("wasix_32v1", "path_open") int32_t i169(int32_t, int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t, int32_t);
static int32_t c169(const uint64_t *a) { return i169((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int64_t)a[5], (int64_t)a[6], (int32_t)a[7], (int32_t)a[8]); }
IMPORT("wasix_32v1", "path_readlink") int32_t i170(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c170(const uint64_t *a) { return i170((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "path_remove_directory") int32_t i171(int32_t, int32_t, int32_t);
static int32_t c171(const uint64_t *a) { return i171((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "path_rename") int32_t i172(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c172(const uint64_t *a) { return i172((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "path_symlink") int32_t i173(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c173(const uint64_t *a) { return i173((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "path_unlink_file") int32_t i174(int32_t, int32_t, int32_t);
static int32_t c174(const uint64_t *a) { return i174((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasix_32v1", "poll_oneoff") int32_t i175(int32_t, int32_t, int32_t, int32_t);
static int32_t c175(const uint64_t *a) { return i175((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "proc_exit") void i176(int32_t);
static int32_t c176(const uint64_t *a) { i176((int32_t)a[0]); return 0; }
IMPORT("wasix_32v1", "proc_raise") int32_t i177(int32_t);
static int32_t c177(const uint64_t *a) { return i177((int32_t)a[0]); }
IMPORT("wasix_32v1", "sched_yield") int32_t i178(void);
static int32_t c178(const uint64_t *a) { (void)a; return i178(); }
IMPORT("wasix_32v1", "random_get") int32_t i179(int32_t, int32_t);
static int32_t c179(const uint64_t *a) { return i179((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "sock_accept") int32_t i180(int32_t, int32_t, int32_t, int32_t);
static int32_t c180(const uint64_t *a) { return i180((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasix_32v1", "sock_recv") int32_t i181(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c181(const uint64_t *a) { return i181((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasix_32v1", "sock_send") int32_t i182(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c182(const uint64_t *a) { return i182((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasix_32v1", "sock_shutdown") int32_t i183(int32_t, int32_t);
static int32_t c183(const uint64_t *a) { return i183((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "thread_spawn") int32_t i184(int32_t, int32_t);
static int32_t c184(const uint64_t *a) { return i184((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasix_32v1", "proc_exec4") int32_t i185(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c185(const uint64_t *a) { return i185((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6], (int32_t)a[7], (int32_t)a[8]); }
IMPORT("wasix_32v1", "proc_spawn3") int32_t i186(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c186(const uint64_t *a) { return i186((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6], (int32_t)a[7], (int32_t)a[8], (int32_t)a[9], (int32_t)a[10], (int32_t)a[11], (int32_t)a[12], (int32_t)a[13]); }
IMPORT("wasix_32v1", "call_dynamic2") int32_t i187(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c187(const uint64_t *a) { return i187((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi", "thread-spawn") int32_t i188(int32_t);
static int32_t c188(const uint64_t *a) { return i188((int32_t)a[0]); }
IMPORT("wasi_unstable", "args_get") int32_t i189(int32_t, int32_t);
static int32_t c189(const uint64_t *a) { return i189((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "args_sizes_get") int32_t i190(int32_t, int32_t);
static int32_t c190(const uint64_t *a) { return i190((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "environ_get") int32_t i191(int32_t, int32_t);
static int32_t c191(const uint64_t *a) { return i191((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "environ_sizes_get") int32_t i192(int32_t, int32_t);
static int32_t c192(const uint64_t *a) { return i192((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "clock_res_get") int32_t i193(int32_t, int32_t);
static int32_t c193(const uint64_t *a) { return i193((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "clock_time_get") int32_t i194(int32_t, int64_t, int32_t);
static int32_t c194(const uint64_t *a) { return i194((int32_t)a[0], (int64_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_unstable", "fd_advise") int32_t i195(int32_t, int64_t, int64_t, int32_t);
static int32_t c195(const uint64_t *a) { return i195((int32_t)a[0], (int64_t)a[1], (int64_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_unstable", "fd_allocate") int32_t i196(int32_t, int64_t, int64_t);
static int32_t c196(const uint64_t *a) { return i196((int32_t)a[0], (int64_t)a[1], (int64_t)a[2]); }
IMPORT("wasi_unstable", "fd_close") int32_t i197(int32_t);
static int32_t c197(const uint64_t *a) { return i197((int32_t)a[0]); }
IMPORT("wasi_unstable", "fd_datasync") int32_t i198(int32_t);
static int32_t c198(const uint64_t *a) { return i198((int32_t)a[0]); }
IMPORT("wasi_unstable", "fd_fdstat_get") int32_t i199(int32_t, int32_t);
static int32_t c199(const uint64_t *a) { return i199((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "fd_fdstat_set_flags") int32_t i200(int32_t, int32_t);
static int32_t c200(const uint64_t *a) { return i200((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "fd_fdstat_set_rights") int32_t i201(int32_t, int64_t, int64_t);
static int32_t c201(const uint64_t *a) { return i201((int32_t)a[0], (int64_t)a[1], (int64_t)a[2]); }
IMPORT("wasi_unstable", "fd_filestat_get") int32_t i202(int32_t, int32_t);
static int32_t c202(const uint64_t *a) { return i202((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "fd_filestat_set_size") int32_t i203(int32_t, int64_t);
static int32_t c203(const uint64_t *a) { return i203((int32_t)a[0], (int64_t)a[1]); }
IMPORT("wasi_unstable", "fd_filestat_set_times") int32_t i204(int32_t, int64_t, int64_t, int32_t);
static int32_t c204(const uint64_t *a) { return i204((int32_t)a[0], (int64_t)a[1], (int64_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_unstable", "fd_pread") int32_t i205(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c205(const uint64_t *a) { return i205((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_unstable", "fd_prestat_get") int32_t i206(int32_t, int32_t);
static int32_t c206(const uint64_t *a) { return i206((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "fd_prestat_dir_name") int32_t i207(int32_t, int32_t, int32_t);
static int32_t c207(const uint64_t *a) { return i207((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_unstable", "fd_pwrite") int32_t i208(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c208(const uint64_t *a) { return i208((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_unstable", "fd_read") int32_t i209(int32_t, int32_t, int32_t, int32_t);
static int32_t c209(const uint64_t *a) { return i209((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_unstable", "fd_readdir") int32_t i210(int32_t, int32_t, int32_t, int64_t, int32_t);
static int32_t c210(const uint64_t *a) { return i210((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int64_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_unstable", "fd_renumber") int32_t i211(int32_t, int32_t);
static int32_t c211(const uint64_t *a) { return i211((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "fd_seek") int32_t i212(int32_t, int64_t, int32_t, int32_t);
static int32_t c212(const uint64_t *a) { return i212((int32_t)a[0], (int64_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_unstable", "fd_sync") int32_t i213(int32_t);
static int32_t c213(const uint64_t *a) { return i213((int32_t)a[0]); }
IMPORT("wasi_unstable", "fd_tell") int32_t i214(int32_t, int32_t);
static int32_t c214(const uint64_t *a) { return i214((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "fd_write") int32_t i215(int32_t, int32_t, int32_t, int32_t);
static int32_t c215(const uint64_t *a) { return i215((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_unstable", "path_create_directory") int32_t i216(int32_t, int32_t, int32_t);
static int32_t c216(const uint64_t *a) { return i216((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_unstable", "path_filestat_get") int32_t i217(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c217(const uint64_t *a) { return i217((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_unstable", "path_filestat_set_times") int32_t i218(int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t);
static int32_t c218(const uint64_t *a) { return i218((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int64_t)a[4], (int64_t)a[5], (int32_t)a[6]); }
IMPORT("wasi_unstable", "path_link") int32_t i219(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c219(const uint64_t *a) { return i219((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5], (int32_t)a[6]); }
IMPORT("wasi_unstable", "path_open") int32_t i220(int32_t, int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, int32_t, int32_t);
static int32_t c220(const uint64_t *a) { return i220((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int64_t)a[5], (int64_t)a[6], (int32_t)a[7], (int32_t)a[8]); }
IMPORT("wasi_unstable", "path_readlink") int32_t i221(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c221(const uint64_t *a) { return i221((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi_unstable", "path_remove_directory") int32_t i222(int32_t, int32_t, int32_t);
static int32_t c222(const uint64_t *a) { return i222((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_unstable", "path_rename") int32_t i223(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c223(const uint64_t *a) { return i223((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi_unstable", "path_symlink") int32_t i224(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c224(const uint64_t *a) { return i224((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_unstable", "path_unlink_file") int32_t i225(int32_t, int32_t, int32_t);
static int32_t c225(const uint64_t *a) { return i225((int32_t)a[0], (int32_t)a[1], (int32_t)a[2]); }
IMPORT("wasi_unstable", "poll_oneoff") int32_t i226(int32_t, int32_t, int32_t, int32_t);
static int32_t c226(const uint64_t *a) { return i226((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3]); }
IMPORT("wasi_unstable", "proc_exit") void i227(int32_t);
static int32_t c227(const uint64_t *a) { i227((int32_t)a[0]); return 0; }
IMPORT("wasi_unstable", "proc_raise") int32_t i228(int32_t);
static int32_t c228(const uint64_t *a) { return i228((int32_t)a[0]); }
IMPORT("wasi_unstable", "sched_yield") int32_t i229(void);
static int32_t c229(const uint64_t *a) { (void)a; return i229(); }
IMPORT("wasi_unstable", "random_get") int32_t i230(int32_t, int32_t);
static int32_t c230(const uint64_t *a) { return i230((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "sock_recv") int32_t i231(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c231(const uint64_t *a) { return i231((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4], (int32_t)a[5]); }
IMPORT("wasi_unstable", "sock_send") int32_t i232(int32_t, int32_t, int32_t, int32_t, int32_t);
static int32_t c232(const uint64_t *a) { return i232((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (int32_t)a[3], (int32_t)a[4]); }
IMPORT("wasi_unstable", "sock_shutdown") int32_t i233(int32_t, int32_t);
static int32_t c233(const uint64_t *a) { return i233((int32_t)a[0], (int32_t)a[1]); }
IMPORT("wasi_unstable", "thread-spawn") int32_t i234(int32_t);
static int32_t c234(const uint64_t *a) { return i234((int32_t)a[0]); }
static const struct call calls[] = {
    {"wasi_snapshot_preview1.args_get", c0, "OO", ORDINARY, false},
    {"wasi_snapshot_preview1.args_sizes_get", c1, "oo", ORDINARY, false},
    {"wasi_snapshot_preview1.environ_get", c2, "OO", ORDINARY, false},
    {"wasi_snapshot_preview1.environ_sizes_get", c3, "oo", ORDINARY, false},
    {"wasi_snapshot_preview1.clock_res_get", c4, "go", ORDINARY, false},
    {"wasi_snapshot_preview1.clock_time_get", c5, "g8o", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_advise", c6, "f88g", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_allocate", c7, "f88", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_close", c8, "F", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_datasync", c9, "f", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_fdstat_get", c10, "fo", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_fdstat_set_flags", c11, "fg", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_fdstat_set_rights", c12, "FRR", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_filestat_get", c13, "fo", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_filestat_set_size", c14, "f8", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_filestat_set_times", c15, "f88g", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_pread", c16, "fVN8o", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_prestat_get", c17, "fo", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_prestat_dir_name", c18, "fOz", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_pwrite", c19, "fWN8o", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_read", c20, "fVNo", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_readdir", c21, "fOz8o", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_renumber", c22, "FF", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_seek", c23, "f8go", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_sync", c24, "f", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_tell", c25, "fo", ORDINARY, false},
    {"wasi_snapshot_preview1.fd_write", c26, "fWNo", ORDINARY, false},
    {"wasi_snapshot_preview1.path_create_directory", c27, "DSL", ORDINARY, false},
    {"wasi_snapshot_preview1.path_filestat_get", c28, "DgSLo", ORDINARY, false},
    {"wasi_snapshot_preview1.path_filestat_set_times", c29, "DgSL88g", ORDINARY, false},
    {"wasi_snapshot_preview1.path_link", c30, "DgSLDSL", ORDINARY, false},
    {"wasi_snapshot_preview1.path_open", c31, "DgSLgRRgo", ORDINARY, false},
    {"wasi_snapshot_preview1.path_readlink", c32, "DSLOzo", ORDINARY, false},
    {"wasi_snapshot_preview1.path_remove_directory", c33, "DSL", ORDINARY, false},
    {"wasi_snapshot_preview1.path_rename", c34, "DSLDSL", ORDINARY, false},
    {"wasi_snapshot_preview1.path_symlink", c35, "SLDSL", ORDINARY, false},
    {"wasi_snapshot_preview1.path_unlink_file", c36, "DSL", ORDINARY, false},
    {"wasi_snapshot_preview1.poll_oneoff", c37, "QOMo", ORDINARY, false},
    {"wasi_snapshot_preview1.proc_exit", c38, "g", ENDS, false},
    {"wasi_snapshot_preview1.proc_raise", c39, "s", ORDINARY, false},
    {"wasi_snapshot_preview1.sched_yield", c40, "", ORDINARY, false},
    {"wasi_snapshot_preview1.random_get", c41, "Oz", ORDINARY, false},
    {"wasi_snapshot_preview1.sock_accept", c42, "fgo", ORDINARY, false},
    {"wasi_snapshot_preview1.sock_recv", c43, "fVNgoO", ORDINARY, false},
    {"wasi_snapshot_preview1.sock_send", c44, "fWNgo", ORDINARY, false},
    {"wasi_snapshot_preview1.sock_shutdown", c45, "fg", ORDINARY, false},
    {"wasi_snapshot_preview1.thread-spawn", c46, "H", SPAWNS, false},
    {"wasix_32v1.clock_time_set", c47, "g8", ORDINARY, false},
    {"wasix_32v1.fd_dup", c48, "fo", ORDINARY, false},
    {"wasix_32v1.fd_dup2", c49, "ffgo", ORDINARY, false},
    {"wasix_32v1.fd_event", c50, "8go", ORDINARY, false},
    {"wasix_32v1.fd_pipe", c51, "oo", ORDINARY, false},
    {"wasix_32v1.tty_get", c52, "O", ORDINARY, false},
    {"wasix_32v1.tty_set", c53, "i", ORDINARY, false},
    {"wasix_32v1.getcwd", c54, "OO", ORDINARY, false},
    {"wasix_32v1.chdir", c55, "SL", ORDINARY, false},
    {"wasix_32v1.callback_signal", c56, "SL", ORDINARY, true},
    {"wasix_32v1.thread_spawn_v2", c57, "Ho", ORDINARY, false},
    {"wasix_32v1.thread_sleep", c58, "d", ORDINARY, false},
    {"wasix_32v1.thread_id", c59, "o", ORDINARY, false},
    {"wasix_32v1.thread_join", c60, "t", ORDINARY, false},
    {"wasix_32v1.thread_parallelism", c61, "o", ORDINARY, false},
    {"wasix_32v1.thread_signal", c62, "ts", ORDINARY, false},
    {"wasix_32v1.futex_wait", c63, "KgTo", ORDINARY, false},
    {"wasix_32v1.futex_wake", c64, "Ko", ORDINARY, false},
    {"wasix_32v1.futex_wake_all", c65, "Ko", ORDINARY, false},
    {"wasix_32v1.thread_exit", c66, "g", ENDS, false},
    {"wasix_32v1.stack_checkpoint", c67, "OO", ORDINARY, false},
    {"wasix_32v1.stack_restore", c68, "i8", ENDS, false},
    {"wasix_32v1.path_open2", c69, "DgSLgRRggo", ORDINARY, false},
    {"wasix_32v1.fd_fdflags_get", c70, "fo", ORDINARY, false},
    {"wasix_32v1.fd_fdflags_set", c71, "fg", ORDINARY, false},
    {"wasix_32v1.proc_raise_interval", c72, "s8g", ORDINARY, false},
    {"wasix_32v1.proc_fork", c73, "go", ORDINARY, false},
    {"wasix_32v1.proc_fork_env", c74, "o", ORDINARY, false},
    {"wasix_32v1.proc_exit2", c75, "g", ENDS, false},
    {"wasix_32v1.proc_exec", c76, "SLSL", ENDS, false},
    {"wasix_32v1.proc_exec2", c77, "SLSLSL", ENDS, false},
    {"wasix_32v1.proc_exec3", c78, "SLSLSLgSL", ENDS, false},
    {"wasix_32v1.proc_spawn", c79, "SLgSLSLgggSLO", ORDINARY, false},
    {"wasix_32v1.proc_spawn2", c80, "SLSLSLizizgSLo", ORDINARY, false},
    {"wasix_32v1.proc_id", c81, "o", ORDINARY, false},
    {"wasix_32v1.proc_parent", c82, "Po", ORDINARY, false},
    {"wasix_32v1.proc_join", c83, "OgO", ORDINARY, false},
    {"wasix_32v1.proc_signal", c84, "Ps", ORDINARY, false},
    {"wasix_32v1.proc_signals_get", c85, "O", ORDINARY, false},
    {"wasix_32v1.proc_signals_sizes_get", c86, "o", ORDINARY, false},
    {"wasix_32v1.proc_snapshot", c87, "", ORDINARY, false},
    {"wasix_32v1.port_bridge", c88, "SLSLg", ORDINARY, false},
    {"wasix_32v1.port_unbridge", c89, "", ORDINARY, false},
    {"wasix_32v1.port_dhcp_acquire", c90, "", ORDINARY, false},
    {"wasix_32v1.port_addr_add", c91, "i", ORDINARY, false},
    {"wasix_32v1.port_addr_remove", c92, "i", ORDINARY, false},
    {"wasix_32v1.port_addr_clear", c93, "", ORDINARY, false},
    {"wasix_32v1.port_mac", c94, "O", ORDINARY, false},
    {"wasix_32v1.port_addr_list", c95, "Oo", ORDINARY, false},
    {"wasix_32v1.port_gateway_set", c96, "i", ORDINARY, false},
    {"wasix_32v1.port_route_add", c97, "iiTT", ORDINARY, false},
    {"wasix_32v1.port_route_remove", c98, "i", ORDINARY, false},
    {"wasix_32v1.port_route_clear", c99, "", ORDINARY, false},
    {"wasix_32v1.port_route_list", c100, "Oo", ORDINARY, false},
    {"wasix_32v1.sock_status", c101, "fO", ORDINARY, false},
    {"wasix_32v1.sock_addr_local", c102, "fO", ORDINARY, false},
    {"wasix_32v1.sock_addr_peer", c103, "fO", ORDINARY, false},
    {"wasix_32v1.sock_open", c104, "gggo", ORDINARY, false},
    {"wasix_32v1.sock_pair", c105, "gggoo", ORDINARY, false},
    {"wasix_32v1.sock_set_opt_flag", c106, "fgg", ORDINARY, false},
    {"wasix_32v1.sock_get_opt_flag", c107, "fgo", ORDINARY, false},
    {"wasix_32v1.sock_set_opt_time", c108, "fgT", ORDINARY, false},
    {"wasix_32v1.sock_get_opt_time", c109, "fgO", ORDINARY, false},
    {"wasix_32v1.sock_set_opt_size", c110, "fg8", ORDINARY, false},
    {"wasix_32v1.sock_get_opt_size", c111, "fgo", ORDINARY, false},
    {"wasix_32v1.sock_join_multicast_v4", c112, "fii", ORDINARY, false},
    {"wasix_32v1.sock_leave_multicast_v4", c113, "fii", ORDINARY, false},
    {"wasix_32v1.sock_join_multicast_v6", c114, "fig", ORDINARY, false},
    {"wasix_32v1.sock_leave_multicast_v6", c115, "fig", ORDINARY, false},
    {"wasix_32v1.sock_bind", c116, "fi", ORDINARY, false},
    {"wasix_32v1.sock_listen", c117, "fz", ORDINARY, false},
    {"wasix_32v1.sock_accept_v2", c118, "fgoO", ORDINARY, false},
    {"wasix_32v1.sock_connect", c119, "fi", ORDINARY, false},
    {"wasix_32v1.sock_recv_from", c120, "fVNgoOO", ORDINARY, false},
    {"wasix_32v1.sock_send_to", c121, "fWNgio", ORDINARY, false},
    {"wasix_32v1.sock_send_file", c122, "ff88o", ORDINARY, false},
    {"wasix_32v1.resolve", c123, "SLgOzo", ORDINARY, false},
    {"wasix_32v1.epoll_create", c124, "o", ORDINARY, false},
    {"wasix_32v1.epoll_ctl", c125, "fgfi", ORDINARY, false},
    {"wasix_32v1.epoll_wait", c126, "fOz8o", ORDINARY, false},
    {"wasix_32v1.dl_invalid_handle", c127, "g", ORDINARY, false},
    {"wasix_32v1.dlopen", c128, "SLgOzSLO", ORDINARY, false},
    {"wasix_32v1.dlsym", c129, "gSLOzo", ORDINARY, false},
    {"wasix_32v1.call_dynamic", c130, "gSLOzg", ORDINARY, false},
    {"wasix_32v1.closure_prepare", c131, "ggizizg", ORDINARY, false},
    {"wasix_32v1.closure_allocate", c132, "O", ORDINARY, false},
    {"wasix_32v1.closure_free", c133, "g", ORDINARY, false},
    {"wasix_32v1.reflect_signature", c134, "gOgOgO", ORDINARY, false},
    {"wasix_32v1.context_create", c135, "Og", ORDINARY, false},
    {"wasix_32v1.context_switch", c136, "8", ENDS, false},
    {"wasix_32v1.context_destroy", c137, "8", ORDINARY, false},
    {"wasix_32v1.args_get", c138, "OO", ORDINARY, false},
    {"wasix_32v1.args_sizes_get", c139, "oo", ORDINARY, false},
    {"wasix_32v1.environ_get", c140, "OO", ORDINARY, false},
    {"wasix_32v1.environ_sizes_get", c141, "oo", ORDINARY, false},
    {"wasix_32v1.clock_res_get", c142, "go", ORDINARY, false},
    {"wasix_32v1.clock_time_get", c143, "g8o", ORDINARY, false},
    {"wasix_32v1.fd_advise", c144, "f88g", ORDINARY, false},
    {"wasix_32v1.fd_allocate", c145, "f88", ORDINARY, false},
    {"wasix_32v1.fd_close", c146, "F", ORDINARY, false},
    {"wasix_32v1.fd_datasync", c147, "f", ORDINARY, false},
    {"wasix_32v1.fd_fdstat_get", c148, "fo", ORDINARY, false},
    {"wasix_32v1.fd_fdstat_set_flags", c149, "fg", ORDINARY, false},
    {"wasix_32v1.fd_fdstat_set_rights", c150, "FRR", ORDINARY, false},
    {"wasix_32v1.fd_filestat_get", c151, "fo", ORDINARY, false},
    {"wasix_32v1.fd_filestat_set_size", c152, "f8", ORDINARY, false},
    {"wasix_32v1.fd_filestat_set_times", c153, "f88g", ORDINARY, false},
    {"wasix_32v1.fd_pread", c154, "fVN8o", ORDINARY, false},
    {"wasix_32v1.fd_prestat_get", c155, "fo", ORDINARY, false},
    {"wasix_32v1.fd_prestat_dir_name", c156, "fOz", ORDINARY, false},
    {"wasix_32v1.fd_pwrite", c157, "fWN8o", ORDINARY, false},
    {"wasix_32v1.fd_read", c158, "fVNo", ORDINARY, false},
    {"wasix_32v1.fd_readdir", c159, "fOz8o", ORDINARY, false},
    {"wasix_32v1.fd_renumber", c160, "FF", ORDINARY, false},
    {"wasix_32v1.fd_seek", c161, "f8go", ORDINARY, false},
    {"wasix_32v1.fd_sync", c162, "f", ORDINARY, false},
    {"wasix_32v1.fd_tell", c163, "fo", ORDINARY, false},
    {"wasix_32v1.fd_write", c164, "fWNo", ORDINARY, false},
    {"wasix_32v1.path_create_directory", c165, "DSL", ORDINARY, false},
    {"wasix_32v1.path_filestat_get", c166, "DgSLo", ORDINARY, false},
    {"wasix_32v1.path_filestat_set_times", c167, "DgSL88g", ORDINARY, false},
    {"wasix_32v1.path_link", c168, "DgSLDSL", ORDINARY, false},
    {"wasix_32v1.path_open", c169, "DgSLgRRgo", ORDINARY, false},
    {"wasix_32v1.path_readlink", c170, "DSLOzo", ORDINARY, false},
    {"wasix_32v1.path_remove_directory", c171, "DSL", ORDINARY, false},
    {"wasix_32v1.path_rename", c172, "DSLDSL", ORDINARY, false},
    {"wasix_32v1.path_symlink", c173, "SLDSL", ORDINARY, false},
    {"wasix_32v1.path_unlink_file", c174, "DSL", ORDINARY, false},
    {"wasix_32v1.poll_oneoff", c175, "QOMo", ORDINARY, false},
    {"wasix_32v1.proc_exit", c176, "g", ENDS, false},
    {"wasix_32v1.proc_raise", c177, "s", ORDINARY, false},
    {"wasix_32v1.sched_yield", c178, "", ORDINARY, false},
    {"wasix_32v1.random_get", c179, "Oz", ORDINARY, false},
    {"wasix_32v1.sock_accept", c180, "fgoO", ORDINARY, false},
    {"wasix_32v1.sock_recv", c181, "fVNgoO", ORDINARY, false},
    {"wasix_32v1.sock_send", c182, "fWNgo", ORDINARY, false},
    {"wasix_32v1.sock_shutdown", c183, "fg", ORDINARY, false},
    {"wasix_32v1.thread_spawn", c184, "Ho", ORDINARY, false},
    {"wasix_32v1.proc_exec4", c185, "SLizizgSL", ENDS, false},
    {"wasix_32v1.proc_spawn3", c186, "SLizizizizgSLo", ORDINARY, false},
    {"wasix_32v1.call_dynamic2", c187, "gizOog", ORDINARY, false},
    {"wasi.thread-spawn", c188, "H", SPAWNS, false},
    {"wasi_unstable.args_get", c189, "OO", ORDINARY, false},
    {"wasi_unstable.args_sizes_get", c190, "oo", ORDINARY, false},
    {"wasi_unstable.environ_get", c191, "OO", ORDINARY, false},
    {"wasi_unstable.environ_sizes_get", c192, "oo", ORDINARY, false},
    {"wasi_unstable.clock_res_get", c193, "go", ORDINARY, false},
    {"wasi_unstable.clock_time_get", c194, "g8o", ORDINARY, false},
    {"wasi_unstable.fd_advise", c195, "f88g", ORDINARY, false},
    {"wasi_unstable.fd_allocate", c196, "f88", ORDINARY, false},
    {"wasi_unstable.fd_close", c197, "F", ORDINARY, false},
    {"wasi_unstable.fd_datasync", c198, "f", ORDINARY, false},
    {"wasi_unstable.fd_fdstat_get", c199, "fo", ORDINARY, false},
    {"wasi_unstable.fd_fdstat_set_flags", c200, "fg", ORDINARY, false},
    {"wasi_unstable.fd_fdstat_set_rights", c201, "FRR", ORDINARY, false},
    {"wasi_unstable.fd_filestat_get", c202, "fo", ORDINARY, false},
    {"wasi_unstable.fd_filestat_set_size", c203, "f8", ORDINARY, false},
    {"wasi_unstable.fd_filestat_set_times", c204, "f88g", ORDINARY, false},
    {"wasi_unstable.fd_pread", c205, "fVN8o", ORDINARY, false},
    {"wasi_unstable.fd_prestat_get", c206, "fo", ORDINARY, false},
    {"wasi_unstable.fd_prestat_dir_name", c207, "fOz", ORDINARY, false},
    {"wasi_unstable.fd_pwrite", c208, "fWN8o", ORDINARY, false},
    {"wasi_unstable.fd_read", c209, "fVNo", ORDINARY, false},
    {"wasi_unstable.fd_readdir", c210, "fOz8o", ORDINARY, false},
    {"wasi_unstable.fd_renumber", c211, "FF", ORDINARY, false},
    {"wasi_unstable.fd_seek", c212, "f8go", ORDINARY, false},
    {"wasi_unstable.fd_sync", c213, "f", ORDINARY, false},
    {"wasi_unstable.fd_tell", c214, "fo", ORDINARY, false},
    {"wasi_unstable.fd_write", c215, "fWNo", ORDINARY, false},
    {"wasi_unstable.path_create_directory", c216, "DSL", ORDINARY, false},
    {"wasi_unstable.path_filestat_get", c217, "DgSLo", ORDINARY, false},
    {"wasi_unstable.path_filestat_set_times", c218, "DgSL88g", ORDINARY, false},
    {"wasi_unstable.path_link", c219, "DgSLDSL", ORDINARY, false},
    {"wasi_unstable.path_open", c220, "DgSLgRRgo", ORDINARY, false},
    {"wasi_unstable.path_readlink", c221, "DSLOzo", ORDINARY, false},
    {"wasi_unstable.path_remove_directory", c222, "DSL", ORDINARY, false},
    {"wasi_unstable.path_rename", c223, "DSLDSL", ORDINARY, false},
    {"wasi_unstable.path_symlink", c224, "SLDSL", ORDINARY, false},
    {"wasi_unstable.path_unlink_file", c225, "DSL", ORDINARY, false},
    {"wasi_unstable.poll_oneoff", c226, "QOMo", ORDINARY, false},
    {"wasi_unstable.proc_exit", c227, "g", ENDS, false},
    {"wasi_unstable.proc_raise", c228, "s", ORDINARY, false},
    {"wasi_unstable.sched_yield", c229, "", ORDINARY, false},
    {"wasi_unstable.random_get", c230, "Oz", ORDINARY, false},
    {"wasi_unstable.sock_recv", c231, "fVNgoO", ORDINARY, false},
    {"wasi_unstable.sock_send", c232, "fWNgo", ORDINARY, false},
    {"wasi_unstable.sock_shutdown", c233, "fg", ORDINARY, false},
    {"wasi_unstable.thread-spawn", c234, "H", SPAWNS, false},
};
// --- end of what is generated

#define CALLS (sizeof calls / sizeof *calls)

IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void end_process(int32_t code);
IMPORT("wasi_snapshot_preview1", "args_sizes_get") int32_t args_sizes(uint32_t *count, uint32_t *size);
IMPORT("wasi_snapshot_preview1", "args_get") int32_t args_read(char **pointers, char *bytes);
IMPORT("wasi_snapshot_preview1", "fd_write") int32_t write_to(int32_t fd, const void *pieces, int32_t count, void *written);
IMPORT("wasi_snapshot_preview1", "fd_close") int32_t close_fd(int32_t fd);
IMPORT("wasi_snapshot_preview1", "path_open")
int32_t open_path(int32_t fd, int32_t lookup, const char *path, int32_t length, int32_t flags, int64_t rights, int64_t inheriting, int32_t fdflags,
                  void *result);
IMPORT("wasix_32v1", "fd_dup") int32_t dup_fd(int32_t fd, void *result);
IMPORT("wasix_32v1", "thread_sleep") int32_t sleep_for(int64_t nanoseconds);
IMPORT("wasix_32v1", "thread_spawn_v2") int32_t spawn_thread(void *start, void *tid);
IMPORT("wasix_32v1", "thread_exit") void exit_thread(int32_t code);
IMPORT("wasix_32v1", "thread_signal") int32_t signal_thread(int32_t tid, int32_t signal);
IMPORT("wasix_32v1", "callback_signal") void register_handler(const char *name, int32_t length);
IMPORT("wasix_32v1", "futex_wake_all") int32_t wake_all(void *word, void *woken);

#define MOST_THREADS 16
#define STACK 32768
#define INSIDE 1024
#define OUTSIDE (1u << 20)
#define WORDS 8

// Begins with what the kernel reads of a start record: the thread gets the address of the whole.
struct worker {
  uint32_t stack, tls_base, function, arguments;
  uint32_t reserved[10];
  uint32_t stack_size, guard_size;
  uint32_t index;
  int32_t tid;
  uint64_t random;
  uint64_t left;
  _Atomic uint32_t progress;
  _Atomic uint32_t in_call;
  _Atomic uint32_t over;
  const char *doing;
  _Alignas(16) uint8_t inside[INSIDE];
};

static struct worker workers[MOST_THREADS];
static _Alignas(16) uint8_t stacks[MOST_THREADS][STACK];
static _Atomic uint32_t words[WORDS];
static _Atomic uint32_t over_count;
static uint32_t outside;
static bool may_end;
static _Atomic uint32_t handled;
static _Atomic uint32_t interventions;
static uint64_t call_count;
static uint32_t thread_count;

static char name_255[256], name_256[257], path_5000[5001];

struct text {
  const char *bytes;
  uint32_t length;
};

#define TEXT(literal) {literal, sizeof literal - 1}
static struct text texts[96] = {
    TEXT(""),
    TEXT("."),
    TEXT(".."),
    TEXT("/"),
    TEXT("a"),
    TEXT("b"),
    TEXT("c"),
    TEXT("d"),
    TEXT("e"),
    TEXT("dir"),
    TEXT("dir/a"),
    TEXT("dir/b"),
    TEXT("dir/dir"),
    TEXT("dir/dir/a"),
    TEXT("dir/../a"),
    TEXT("link"),
    TEXT("host"),
    TEXT("host/a"),
    TEXT("host/b"),
    TEXT("host/c"),
    TEXT("host/dir"),
    TEXT("host/dir/a"),
    TEXT("host/dir/dir"),
    TEXT("host/link"),
    TEXT("dev/zero"),
    TEXT("dev/null"),
    TEXT("dir/dir/dir"),
    TEXT("loop"),
    TEXT("host/link/secret"),
    TEXT("link/a"),
    TEXT("loop/loop"),
    TEXT("../.."),
    TEXT("../../../../../../../../etc/passwd"),
    TEXT("/etc/passwd"),
    TEXT("host/escape"),
    TEXT("host/escape/secret"),
    TEXT("host/../a"),
    TEXT("/host/dir/../../.."),
    TEXT("../secret"),
    TEXT("../outside/secret"),
    TEXT("../../outside"),
    TEXT("dev"),
    TEXT("dev/full"),
    TEXT("dev/urandom"),
    TEXT("dev/tty"),
    TEXT("dev/stdin"),
    TEXT("/dev/fd/1"),
    TEXT("/proc/self/root"),
    TEXT("a/"),
    TEXT("a//b"),
    TEXT("dir/"),
    TEXT("a\0b"),
    TEXT("\xff\xfe\xfd"),
    TEXT("\xed\xa0\x80"),
    TEXT("handle_signal"),
    TEXT("handle_signal"),
    TEXT("wasi_thread_start"),
    TEXT("memory"),
    TEXT("no_such_export"),
    TEXT("A=B"),
    {name_255, 255},
    {name_256, 256},
    {path_5000, 5000},
};
static uint32_t text_count;

// ---------------------------------------------------------------------------------------------------------------------

static uint64_t next_random(struct worker *self) {
  // splitmix64: every seed gives a different sequence.
  uint64_t z = (self->random += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static uint32_t below(struct worker *self, uint32_t bound) { return (uint32_t)(next_random(self) >> 33) % bound; }

static bool chance(struct worker *self, uint32_t percent) { return below(self, 100) < percent; }

static uint32_t memory_end(void) { return (uint32_t)__builtin_wasm_memory_size(0) * 65536u; }

// A number that something may not have thought of.
static uint32_t odd_number(struct worker *self) {
  static const uint32_t odd[] = {0,          1,          2,          7,          8,          63,         64,         255,
                                 256,        1023,       1024,       1025,       4095,       4096,       65535,      65536,
                                 65537,      0x00ffffff, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffff8, 0xfffffffe,
                                 0xffffffff};
  if (chance(self, 30)) return (uint32_t)next_random(self);
  return odd[below(self, sizeof odd / sizeof *odd)];
}

static uint64_t odd_wide(struct worker *self) {
  static const uint64_t odd[] = {0,
                                 1,
                                 8,
                                 100,
                                 4096,
                                 65536,
                                 1000000,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 0x1fffffffffffff,
                                 0x20000000000000,
                                 0x20000000000001,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0xffffffffffffffff,
                                 0xfffffffffffffffe};
  if (chance(self, 20)) return next_random(self);
  return odd[below(self, sizeof odd / sizeof *odd)];
}

// Where the kernel may not read or write: at the end, across it, beyond it, at the end of all addresses.
static uint32_t bad_pointer(struct worker *self) {
  uint32_t end = memory_end();
  switch (below(self, 6)) {
  case 0: return end - below(self, 64);
  case 1: return end;
  case 2: return end + below(self, 65536);
  case 3: return 0xffffffff - below(self, 64);
  case 4: return 0x80000000 + below(self, 64);
  default: return end + (uint32_t)next_random(self) % (0xffffffff - end);
  }
}

static uint32_t outside_pointer(struct worker *self) {
  if (chance(self, 8)) return bad_pointer(self);
  uint32_t place = outside + below(self, OUTSIDE - 4096);
  return chance(self, 80) ? place & ~7u : place;
}

static uint32_t pick_fd(struct worker *self, bool may_be_lost) {
  uint32_t kind = below(self, 100);
  if (kind < 20 && !may_be_lost) return below(self, 8);
  if (kind < 80) return 8 + below(self, 10);
  if (kind < 90) return 8 + below(self, 32);
  if (kind < 95) return 40 + below(self, 1000);
  uint32_t fd = odd_number(self);
  return may_be_lost && fd < 8 ? fd + 8 : fd;
}

static uint32_t pick_size(struct worker *self) {
  uint32_t kind = below(self, 100);
  if (kind < 60) return below(self, 256);
  if (kind < 85) return below(self, 16384);
  if (kind < 88) return below(self, OUTSIDE);
  return odd_number(self);
}

// In runs that are to stay alive, only signals that are ignored by default: a thread without a handler ends the process by any other.
static uint32_t pick_signal(struct worker *self) {
  static const uint32_t harmless[] = {0, 0, 14 + 2, 15 + 2, 32, 33, 64, 0x7fffffff, 0xffffffff, 27, 22};
  if (may_end) return chance(self, 80) ? below(self, 33) : odd_number(self);
  return harmless[below(self, sizeof harmless / sizeof *harmless)];
}

// ---------------------------------------------------------------------------------------------------------------------

static void put32(uint8_t *at, uint32_t value) { memcpy(at, &value, 4); }
static void put64(uint8_t *at, uint64_t value) { memcpy(at, &value, 8); }

static uint32_t put_buffers(struct worker *self, bool written_by_kernel, uint32_t *count) {
  uint8_t *at = self->inside;
  *count = 1 + below(self, 5);
  for (uint32_t index = 0; index < *count; index++) {
    uint32_t start = outside_pointer(self), length = below(self, 512);
    if (chance(self, 3)) length = below(self, OUTSIDE / 2);
    if (chance(self, 2)) length = odd_number(self);
    if (chance(self, 5)) length = 0;
    if (!written_by_kernel && chance(self, 10)) start = below(self, memory_end());
    put32(at + index * 8, start);
    put32(at + index * 8 + 4, length);
  }
  if (chance(self, 3)) *count = odd_number(self);
  // A larger count than was filled in: what follows are buffers of no bytes.
  memset(at + 5 * 8, 0, 128 - 5 * 8);
  return (uint32_t)at;
}

static uint32_t put_subscriptions(struct worker *self, uint32_t *count) {
  uint8_t *at = self->inside;
  memset(at, 0, 8 * 48);
  *count = 1 + below(self, 6);
  for (uint32_t index = 0; index < *count; index++) {
    uint8_t *one = at + index * 48;
    put64(one, next_random(self));
    uint32_t type = chance(self, 95) ? below(self, 3) : below(self, 256);
    one[8] = (uint8_t)type;
    if (type == 0) {
      put32(one + 16, chance(self, 90) ? below(self, 4) : odd_number(self));
      put64(one + 24, chance(self, 80) ? below(self, 500000) : odd_wide(self));
      put64(one + 32, below(self, 1000));
      one[40] = (uint8_t)below(self, 4);
    } else {
      put32(one + 16, pick_fd(self, false));
    }
  }
  // Nearly always something ends the wait soon.
  if (!chance(self, 5)) {
    uint8_t *one = at + (*count)++ * 48;
    put32(one + 16, 1);
    put64(one + 24, below(self, 200000));
  }
  if (chance(self, 3)) *count = odd_number(self);
  return (uint32_t)at;
}

static uint32_t put_timeout(struct worker *self) {
  uint8_t *at = self->inside + 512;
  put32(at, chance(self, 97) ? 1 : odd_number(self));
  put64(at + 8, chance(self, 50) ? 0 : below(self, 200000));
  if (chance(self, 5)) return bad_pointer(self);
  return (uint32_t)at;
}

static void fill(struct worker *self, const struct call *call, uint64_t *arguments) {
  const char *kinds = call->kinds;
  uint32_t count = 0;
  struct text text = {0, 0};
  for (uint32_t index = 0; kinds[index]; index++) {
    uint64_t value = 0;
    switch (kinds[index]) {
    case 'f': value = pick_fd(self, false); break;
    case 'D': value = chance(self, 80) ? 3 + below(self, 5) : pick_fd(self, false); break;
    case 'R': value = chance(self, 85) ? ~0ull : odd_wide(self); break;
    case 'F': value = pick_fd(self, true); break;
    case 's': value = pick_signal(self); break;
    // Not a thread of ours that works: a join would wait for its end. Ids of those are small and known.
    case 't': value = chance(self, 30) ? (uint32_t)self->tid : chance(self, 50) ? 0x3fffffff + below(self, 2) : odd_number(self) | 0x10000; break;
    case 'P': value = chance(self, 60) ? 1 : odd_number(self); break;
    case 'd': value = chance(self, 50) ? 0 : below(self, 100000); break;
    case '8': value = chance(self, 50) ? below(self, 16384) : odd_wide(self); break;
    case 'S':
      // The first are good names: half of all.
      text = texts[chance(self, 50) ? 4 + below(self, 24) : below(self, text_count)];
      if (chance(self, 3)) text.bytes = (const char *)bad_pointer(self);
      if (chance(self, 2)) text.bytes = (const char *)below(self, memory_end());
      if (chance(self, 3)) text.length = odd_number(self);
      value = (uint32_t)text.bytes;
      break;
    case 'L': value = text.length; break;
    case 'V': value = chance(self, 2) ? bad_pointer(self) : put_buffers(self, true, &count); break;
    case 'W': value = chance(self, 2) ? bad_pointer(self) : put_buffers(self, false, &count); break;
    case 'N': value = count; break;
    case 'Q': value = chance(self, 2) ? bad_pointer(self) : put_subscriptions(self, &count); break;
    case 'M': value = count; break;
    case 'T': value = put_timeout(self); break;
    case 'K':
      value = (uint32_t)&words[below(self, WORDS)] + (chance(self, 4) ? below(self, 4) : 0);
      if (chance(self, 4)) value = bad_pointer(self);
      break;
    case 'H': value = chance(self, 50) ? (uint32_t)self->inside + below(self, 900) : chance(self, 80) ? odd_number(self) : bad_pointer(self); break;
    case 'o': value = chance(self, 4) ? 0 : outside_pointer(self); break;
    case 'O': value = outside_pointer(self); break;
    case 'i': value = chance(self, 5) ? bad_pointer(self) : chance(self, 50) ? (uint32_t)self->inside + below(self, 900) : outside_pointer(self); break;
    case 'z': value = pick_size(self); break;
    default: value = chance(self, 85) ? below(self, 4) : chance(self, 70) ? below(self, 64) : odd_number(self); break;
    }
    arguments[index] = value;
  }
}

static uint64_t sum_inside(const struct worker *self) {
  const uint64_t *at = (const uint64_t *)self->inside;
  uint64_t sum = 0;
  for (uint32_t index = 0; index < INSIDE / 8; index++) sum = sum * 31 + at[index];
  return sum;
}

static void complain(const char *what, const char *name) {
  const char *parts[] = {what, name, "\n"};
  for (int part = 0; part < 3; part++) {
    uint32_t piece[2] = {(uint32_t)parts[part], 0}, written;
    while (parts[part][piece[1]]) piece[1]++;
    write_to(2, piece, 1, &written);
  }
}

static bool starts_with(const char *text, const char *start) {
  while (*start && *text == *start) text++, start++;
  return !*start;
}

static void work(struct worker *self) {
  uint64_t arguments[16];
  register_handler("handle_signal", 13);
  for (; self->left > 0; self->left--) {
    const struct call *call = &calls[below(self, CALLS)];
    if (call->sort == ENDS && !may_end) continue;
    if (call->sort == ENDS && !chance(self, 5)) continue;
    // Each of these costs a carrier's attention: seldom.
    if (starts_with(call->name, "wasix_32v1.thread_spawn") && !chance(self, 10)) continue;
    if (call->sort == SPAWNS && !chance(self, 10)) continue;
    fill(self, call, arguments);
    uint64_t before = sum_inside(self);
    self->doing = call->name;
    self->in_call = 1;
    int32_t answer = call->make(arguments);
    self->in_call = 0;
    self->progress++;
    if (before != sum_inside(self)) {
      complain("a call wrote to its input: ", call->name);
      end_process(4);
    }
    bool known = answer >= 0 && answer <= 81;
    if (call->sort == SPAWNS) known = answer > 0 || answer >= -81;
    if (!known) {
      complain("a call gave no errno: ", call->name);
      end_process(3);
    }
    if (below(self, 50) == 0) words[below(self, WORDS)] = below(self, 4);
    if (below(self, 20000) == 0 && memory_end() < (64u << 20)) __builtin_wasm_memory_grow(0, 1);
    // Without a handler no signal of the guard ends a wait.
    if (call->handler) register_handler("handle_signal", 13);
  }
}

// ---------------------------------------------------------------------------------------------------------------------

__attribute__((export_name("handle_signal"))) void handle_signal(int32_t signal) {
  (void)signal;
  handled++;
}

__attribute__((used)) void worker_main(struct worker *self) {
  work(self);
  self->over = 1;
  over_count++;
}

__asm__(".globaltype __stack_pointer, i32\n"
        ".functype worker_main (i32) -> ()\n"
        ".globl enter_worker\n"
        ".section .text.enter_worker,\"\",@\n"
        ".type enter_worker,@function\n"
        "enter_worker:\n"
        ".functype enter_worker (i32) -> ()\n"
        "local.get 0\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 0\n"
        "call worker_main\n"
        "end_function\n");
void enter_worker(struct worker *self);

// A random spawn comes here with any number: only the program's own records have a stack. This function itself must use none.
__attribute__((export_name("wasi_thread_start"))) void wasi_thread_start(int32_t tid, uint32_t start) {
  uint32_t place = start - (uint32_t)workers;
  if (place < sizeof workers && place % sizeof *workers == 0 && workers[place / sizeof *workers].tid == 0) {
    workers[place / sizeof *workers].tid = tid;
    enter_worker((struct worker *)start);
  } else if (start & 1) {
    exit_thread(0);
  }
}

static bool start_worker(uint32_t index, uint64_t seed) {
  struct worker *worker = &workers[index];
  worker->stack = (uint32_t)stacks[index] + STACK;
  worker->stack_size = STACK;
  worker->index = index;
  worker->random = seed * 1000003 + index;
  worker->left = call_count;
  int32_t tid;
  return spawn_thread(worker, &tid) == 0;
}

// Frees what is stuck: a thread that has not come back from a call between two looks.
static void guard(void) {
  uint32_t seen[MOST_THREADS] = {0}, strikes[MOST_THREADS] = {0};
  uint64_t rounds = 0;
  uint32_t scratch;
  while (over_count < thread_count) {
    sleep_for(1000000);
    rounds++;
    bool stuck = false;
    for (uint32_t index = 0; index < thread_count; index++) {
      struct worker *worker = &workers[index];
      bool same = worker->in_call && worker->progress == seen[index];
      strikes[index] = same ? strikes[index] + 1 : 0;
      seen[index] = worker->progress;
      if (strikes[index] >= 2) {
        if (strikes[index] % 2 == 0) signal_thread(worker->tid, 16);
        if (strikes[index] >= 20) stuck = true;
        if (strikes[index] == 300) complain("stuck in ", worker->doing);
      }
    }
    for (uint32_t word = 0; word < WORDS; word++) wake_all(&words[word], &scratch);
    if (!stuck) continue;
    interventions++;
    for (int32_t fd = 8; fd < 1100; fd++) close_fd(fd);
    // Descriptors that the threads have made without end.
    if (rounds % 50 == 0)
      for (int32_t fd = 1100; fd < 65536; fd++) close_fd(fd);
  }
}

static uint64_t number(const char *text) {
  uint64_t value = 0;
  while (*text >= '0' && *text <= '9') value = value * 10 + (uint64_t)(*text++ - '0');
  return value;
}

static char *argument_pointers[64];
static char argument_bytes[16384];

__attribute__((export_name("_start"))) void _start(void) {
  uint32_t count, size, fd;
  register_handler("handle_signal", 13);
  if (args_sizes(&count, &size) || count < 5 || count > 40 || size > sizeof argument_bytes) end_process(2);
  if (args_read(argument_pointers, argument_bytes)) end_process(2);
  uint64_t seed = number(argument_pointers[1]);
  call_count = number(argument_pointers[2]);
  thread_count = (uint32_t)number(argument_pointers[3]);
  may_end = argument_pointers[4][0] == 'e';
  while (texts[text_count].bytes) text_count++;
  for (uint32_t index = 5; index < count; index++) {
    uint32_t length = 0;
    while (argument_pointers[index][length]) length++;
    texts[text_count++] = (struct text){argument_pointers[index], length};
  }
  memset(name_255, 'x', 255);
  memset(name_256, 'y', 256);
  for (uint32_t index = 0; index < 5000; index++) path_5000[index] = index % 50 == 49 ? '/' : 'z';
  if (thread_count > MOST_THREADS) end_process(2);

  uint32_t pages = (uint32_t)__builtin_wasm_memory_grow(0, OUTSIDE / 65536);
  if (pages == 0xffffffff) end_process(2);
  outside = pages * 65536;

  // Descriptors 3 to 7 stay: directories to start from.
  for (int32_t place = 4; place <= 6; place++) {
    if (dup_fd(3, &fd)) end_process(2);
    if ((int32_t)fd != place) end_process(2);
  }
  if (open_path(3, 0, "host", 4, 2, -1, -1, 0, &fd)) {
    if (dup_fd(3, &fd)) end_process(2);
  }
  if (fd != 7) end_process(2);
  for (uint32_t index = 0; index < thread_count; index++)
    if (!start_worker(index, seed)) end_process(2);
  guard();
  end_process(42);
}
