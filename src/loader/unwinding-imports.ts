/**
 * Which imports can unwind the guest's stack: asyncify must rewrite every function that such a call may come from.
 *
 * The list names those that never do, because they neither wait nor take a stack by their nature. It may not grow: a program that was instrumented for it is
 * run by later versions too. Any import that is not of WASI is taken as one that can.
 */
const NEVER: ReadonlySet<string> = new Set([
  "args_get",
  "args_sizes_get",
  "clock_res_get",
  "clock_time_get",
  "environ_get",
  "environ_sizes_get",
  "fd_fdstat_get",
  "fd_prestat_dir_name",
  "fd_prestat_get",
  "futex_wake",
  "futex_wake_all",
  "proc_id",
  "proc_parent",
  "random_get",
  "thread_id",
  "thread_parallelism",
]);

/** Whether a call may unwind the stack of a program that asyncify has instrumented. */
export function mayUnwind(name: string): boolean {
  return !NEVER.has(name);
}
