/**
 * The table of system calls, as data: every import, what serves it and how well. Imports and traces read it, and, by its list (`table-list.ts`),
 * documentation and the tests of completeness. The calls that look files up or list them have a table of their own (`path-table.ts`), and so have those that few programs
 * make (`further-table.ts`).
 *
 * `wasi_snapshot_preview1` has the calls of `preview1`, `wasix_32v1` has them and its own.
 */
import { WIDE_MODULE } from "../abi/call-types.ts";
import { clock_res_get, clock_time_get } from "./clock.ts";
import {
  args_get,
  args_sizes_get,
  environ_get,
  environ_sizes_get,
  random_get,
} from "./environment.ts";
import {
  fd_datasync,
  fd_fdstat_get,
  fd_fdstat_set_flags,
  fd_filestat_get,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_sync,
} from "./fd-status.ts";
import {
  fd_close,
  fd_filestat_set_size,
  fd_pread,
  fd_pwrite,
  fd_read,
  fd_seek,
  fd_tell,
  fd_write,
} from "./fd.ts";
import { loadPathServices } from "./path-services.ts";
import {
  callback_signal,
  proc_exit,
  proc_exit2,
  proc_id,
  proc_signals_get,
  proc_signals_sizes_get,
} from "./process.ts";
import { blocking, full, partial, type Service, type Services, type Syscall } from "./service.ts";
import {
  futex_wait,
  futex_wake,
  futex_wake_all,
  sched_yield,
  thread_exit,
  thread_id,
  thread_join,
  thread_parallelism,
  thread_signal,
  thread_sleep,
  thread_spawn,
  thread_spawn_v2,
} from "./thread.ts";
import { getcwd } from "./working-directory.ts";

export const preview1: Readonly<Record<string, Service>> = {
  args_get: full(args_get),
  args_sizes_get: full(args_sizes_get),
  environ_get: full(environ_get),
  environ_sizes_get: full(environ_sizes_get),
  clock_res_get: full(clock_res_get),
  clock_time_get: full(clock_time_get),
  fd_close: full(fd_close),
  fd_datasync: full(fd_datasync),
  fd_fdstat_get: full(fd_fdstat_get),
  fd_fdstat_set_flags: partial(
    fd_fdstat_set_flags,
    "Changes APPEND and NONBLOCK; the other flags stay, as with fcntl on Linux.",
  ),
  fd_filestat_get: full(fd_filestat_get),
  fd_filestat_set_size: full(fd_filestat_set_size),
  fd_pread: full(fd_pread),
  fd_prestat_get: full(fd_prestat_get),
  fd_prestat_dir_name: full(fd_prestat_dir_name),
  fd_pwrite: full(fd_pwrite),
  fd_read: blocking(fd_read),
  fd_seek: full(fd_seek),
  fd_sync: full(fd_sync),
  fd_tell: full(fd_tell),
  fd_write: blocking(fd_write),
  proc_exit: full(proc_exit),
  sched_yield: full(sched_yield),
  random_get: full(random_get),
};

const wasix: Readonly<Record<string, Service>> = {
  getcwd: full(getcwd),
  callback_signal: full(callback_signal),
  thread_spawn: full(thread_spawn_v2),
  thread_spawn_v2: full(thread_spawn_v2),
  thread_sleep: blocking(thread_sleep),
  thread_id: full(thread_id),
  thread_join: blocking(thread_join),
  thread_parallelism: full(thread_parallelism),
  thread_signal: full(thread_signal),
  futex_wait: blocking(futex_wait),
  futex_wake: full(futex_wake),
  futex_wake_all: full(futex_wake_all),
  thread_exit: full(thread_exit),
  proc_exit2: full(proc_exit2),
  proc_id: full(proc_id),
  proc_signals_get: full(proc_signals_get),
  proc_signals_sizes_get: full(proc_signals_sizes_get),
};

/** The older door to threads, which is in every module but `wasix_32v1`. */
export const threadSpawn = { "thread-spawn": full(thread_spawn) };

/** Names of the calls of `path-table.ts`. */
const PATH_CALLS = new Set(
  "fd_readdir path_create_directory path_filestat_get path_open path_open2 path_remove_directory path_rename path_unlink_file".split(
    " ",
  ),
);

/** Services by module that every agent has. Those of `wasi_unstable`, which few programs import, are further ones. */
const services: Services = {
  wasi_snapshot_preview1: [preview1, threadSpawn],
  wasix_32v1: [preview1, wasix],
  wasi: [threadSpawn],
};

/** Those of `further-table.ts`, once this agent was given them. */
let further: Services | undefined;

/** Gives this agent the calls that few programs make. */
export function provideFurtherServices(given: Services): void {
  further = given;
}

/** Whether this agent was given them. */
export function hasFurtherServices(): boolean {
  return further !== undefined;
}

function serviceIn(all: Services, module: string, name: string): Service | undefined {
  if (!Object.hasOwn(all, module)) return undefined;
  return all[module].find((table) => Object.hasOwn(table, name))?.[name];
}

/** The module whose services a module has: those of 64-bit memories are served by the same code. */
function homeOf(module: string): string {
  return module === WIDE_MODULE ? "wasix_32v1" : module;
}

/** Whether a program that imports it may come to files which nobody gave it. */
export function isPathCall(name: string): boolean {
  return PATH_CALLS.has(name);
}

/** Whether a call is one of those that few programs make. */
export function isFurtherCall(module: string, name: string): boolean {
  const home = homeOf(module);
  const isOther = !isPathCall(name) || !Object.hasOwn(services, home);
  return isOther && serviceIn(services, home, name) === undefined;
}

/**
 * Finds what serves an import.
 *
 * @returns undefined where the ABI has no such import, or the agent was not given it
 */
export function findSyscall(module: string, name: string): Syscall | undefined {
  const home = homeOf(module);
  const first = isPathCall(name) ? loadPathServices() : services;
  const service = serviceIn(first, home, name) ?? serviceIn(further ?? {}, home, name);
  return service && { ...service, module, name, blocks: service.blocks ?? false };
}

/** Everything that an agent serves which was given all, as `module.name`. */
export function servedNames(): string[] {
  const names = [services, loadPathServices(), further ?? {}].flatMap((all) =>
    Object.entries(all).flatMap(([module, tables]) =>
      tables.flatMap((table) => Object.keys(table).map((name) => `${module}.${name}`)),
    ),
  );
  return [...new Set(names)];
}
