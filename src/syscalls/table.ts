/**
 * The table of system calls, as data: every import, what serves it and how well. Imports, traces, documentation and the tests of completeness
 * read it.
 *
 * `wasi_snapshot_preview1` and `wasi_unstable` have the calls of `preview1`, `wasix_32v1` has them and its own; what a module does otherwise is in
 * `exceptions`.
 */
import { Errno } from "../abi/errno.ts";
import { signatures, wasiUnstableNames } from "../abi/signatures.ts";
import type { Outcome } from "./block.ts";
import { clock_res_get, clock_time_get, clock_time_set } from "./clock.ts";
import type { SyscallContext } from "./context.ts";
import { context_create, context_destroy, context_switch } from "./contexts.ts";
import {
  args_get,
  args_sizes_get,
  environ_get,
  environ_sizes_get,
  random_get,
} from "./environment.ts";
import { epoll_create, epoll_ctl, epoll_wait } from "./epoll.ts";
import { fd_dup, fd_dup2, fd_event, fd_pipe, fd_renumber } from "./fd-create.ts";
import { fd_readdir } from "./fd-directory.ts";
import {
  fd_advise,
  fd_datasync,
  fd_fdflags_get,
  fd_fdflags_set,
  fd_fdstat_get,
  fd_fdstat_set_flags,
  fd_fdstat_set_rights,
  fd_filestat_get,
  fd_filestat_set_times,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_sync,
} from "./fd-status.ts";
import {
  fd_allocate,
  fd_close,
  fd_filestat_set_size,
  fd_pread,
  fd_pwrite,
  fd_read,
  fd_seek,
  fd_tell,
  fd_write,
} from "./fd.ts";
import { path_open, path_open2 } from "./path-open.ts";
import {
  path_create_directory,
  path_filestat_get,
  path_filestat_set_times,
  path_link,
  path_readlink,
  path_remove_directory,
  path_rename,
  path_symlink,
  path_unlink_file,
} from "./path.ts";
import { poll_oneoff } from "./poll.ts";
import {
  callback_signal,
  proc_exit,
  proc_exit2,
  proc_id,
  proc_parent,
  proc_raise,
  proc_signal,
  proc_signals_get,
  proc_signals_sizes_get,
} from "./process.ts";
import * as snapshot0 from "./snapshot0.ts";
import { refuseSocketCall } from "./sock.ts";
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
import { tty_get, tty_set } from "./tty.ts";
import { stack_checkpoint, stack_restore } from "./checkpoint.ts";
import { dlopen, dlsym, proc_exec, proc_exec2 } from "./unsupported.ts";
import { chdir, getcwd } from "./working-directory.ts";

/** Serves a call: the context, then the guest's arguments as numbers, or big integers where the ABI has 64 bits. Answers an errno, now or later. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- callback_signal answers nothing, and exits do not return
export type SyscallHandler = (context: SyscallContext, ...args: never[]) => Outcome | void;

/** How much of a call works: all of it, less than all (the note says what), or it only answers an errno. */
export type Support = "full" | "partial" | "none";

/** One import. */
export interface Syscall {
  readonly module: string;
  readonly name: string;
  readonly handler: SyscallHandler;
  readonly support: Support;
  /** What is missing or different, for people. */
  readonly note?: string;
  /** Whether it may sleep until something happens: such a call can be suspended. */
  readonly blocks: boolean;
}

/** What serves a name, wherever it is imported from. */
interface Service {
  readonly handler: SyscallHandler;
  readonly support: Support;
  readonly note?: string;
  readonly blocks?: boolean;
}

const full = (handler: SyscallHandler): Service => ({ handler, support: "full" });
const blocking = (handler: SyscallHandler): Service => ({
  handler,
  support: "full",
  blocks: true,
});
const partial = (handler: SyscallHandler, note: string): Service => ({
  handler,
  support: "partial",
  note,
});
const none = (handler: SyscallHandler, note: string): Service => ({
  handler,
  support: "none",
  note,
});
const refused = (errno: number, note: string): Service => none(() => errno, note);

const NO_SOCKETS = "There are no sockets yet: ENOTSOCK, or EBADF for a closed descriptor.";
const NO_NEW_SOCKETS = "There are no sockets yet: EAFNOSUPPORT.";
const NO_NETWORK = "There is no network to configure: ENOTSUP.";
const NO_CHILDREN = "A process cannot start another yet: ENOSYS.";
const NO_FORK = "A process cannot be copied: ENOTSUP.";
const CONTEXTS =
  "Where the engine can suspend stacks (JSPI: current Node, Chromium); elsewhere ENOTSUP.";
const NO_DYNAMIC_CALLS = "Functions are called and made by the program itself only: ENOTSUP.";
const NO_LIBRARIES = "Libraries cannot be loaded at run time: EUNKNOWN with a message.";

const noSocket = none(refuseSocketCall, NO_SOCKETS);
const noNetwork = refused(Errno.ENOTSUP, NO_NETWORK);
const noDynamicCall = refused(Errno.ENOTSUP, NO_DYNAMIC_CALLS);
const noChild = refused(Errno.ENOSYS, NO_CHILDREN);
const noFork = refused(Errno.ENOTSUP, NO_FORK);

const preview1: Readonly<Record<string, Service>> = {
  args_get: full(args_get),
  args_sizes_get: full(args_sizes_get),
  environ_get: full(environ_get),
  environ_sizes_get: full(environ_sizes_get),
  clock_res_get: full(clock_res_get),
  clock_time_get: full(clock_time_get),
  fd_advise: partial(fd_advise, "The advice is checked and has no effect."),
  fd_allocate: full(fd_allocate),
  fd_close: full(fd_close),
  fd_datasync: full(fd_datasync),
  fd_fdstat_get: full(fd_fdstat_get),
  fd_fdstat_set_flags: partial(
    fd_fdstat_set_flags,
    "Changes APPEND and NONBLOCK; the other flags stay, as with fcntl on Linux.",
  ),
  fd_fdstat_set_rights: full(fd_fdstat_set_rights),
  fd_filestat_get: full(fd_filestat_get),
  fd_filestat_set_size: full(fd_filestat_set_size),
  fd_filestat_set_times: full(fd_filestat_set_times),
  fd_pread: full(fd_pread),
  fd_prestat_get: full(fd_prestat_get),
  fd_prestat_dir_name: full(fd_prestat_dir_name),
  fd_pwrite: full(fd_pwrite),
  fd_read: blocking(fd_read),
  fd_readdir: full(fd_readdir),
  fd_renumber: full(fd_renumber),
  fd_seek: full(fd_seek),
  fd_sync: full(fd_sync),
  fd_tell: full(fd_tell),
  fd_write: blocking(fd_write),
  path_create_directory: full(path_create_directory),
  path_filestat_get: full(path_filestat_get),
  path_filestat_set_times: full(path_filestat_set_times),
  path_link: full(path_link),
  path_open: full(path_open),
  path_readlink: full(path_readlink),
  path_remove_directory: full(path_remove_directory),
  path_rename: full(path_rename),
  path_symlink: full(path_symlink),
  path_unlink_file: full(path_unlink_file),
  poll_oneoff: blocking(poll_oneoff),
  proc_exit: full(proc_exit),
  proc_raise: full(proc_raise),
  sched_yield: full(sched_yield),
  random_get: full(random_get),
  sock_accept: noSocket,
  sock_recv: noSocket,
  sock_send: noSocket,
  sock_shutdown: noSocket,
};

const wasix: Readonly<Record<string, Service>> = {
  clock_time_set: partial(clock_time_set, "No program may set the clock of the host: EPERM."),
  fd_dup: full(fd_dup),
  fd_dup2: full(fd_dup2),
  fd_event: full(fd_event),
  epoll_create: full(epoll_create),
  epoll_ctl: full(epoll_ctl),
  epoll_wait: blocking(epoll_wait),
  fd_pipe: full(fd_pipe),
  tty_get: full(tty_get),
  tty_set: full(tty_set),
  getcwd: full(getcwd),
  chdir: full(chdir),
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
  path_open2: full(path_open2),
  fd_fdflags_get: full(fd_fdflags_get),
  fd_fdflags_set: full(fd_fdflags_set),
  proc_exit2: full(proc_exit2),
  proc_id: full(proc_id),
  proc_parent: full(proc_parent),
  proc_signal: full(proc_signal),
  proc_signals_get: partial(
    proc_signals_get,
    "A parent cannot pass dispositions yet: they are the default.",
  ),
  proc_signals_sizes_get: partial(
    proc_signals_sizes_get,
    "A parent cannot pass dispositions yet: they are the default.",
  ),

  stack_checkpoint: partial(
    stack_checkpoint,
    "In programs that carry asyncify (weft instrument); in others ENOTSUP.",
  ),
  stack_restore: full(stack_restore),
  proc_raise_interval: refused(Errno.ENOSYS, "There are no interval timers yet: ENOSYS."),
  proc_fork: noFork,
  proc_fork_env: noFork,
  proc_exec: none(proc_exec, "Cannot return an errno: ends the process with code 45."),
  proc_exec2: none(proc_exec2, "Cannot return an errno: ends the process with code 45."),
  proc_exec3: noChild,
  proc_exec4: noChild,
  proc_spawn: noChild,
  proc_spawn2: noChild,
  proc_spawn3: noChild,
  proc_join: refused(Errno.ECHILD, "No process has children yet: ECHILD."),
  proc_snapshot: refused(0, "Nothing is saved: 0, as in a runtime whose triggers are off."),
  port_bridge: noNetwork,
  port_unbridge: noNetwork,
  port_dhcp_acquire: noNetwork,
  port_addr_add: noNetwork,
  port_addr_remove: noNetwork,
  port_addr_clear: noNetwork,
  port_mac: noNetwork,
  port_addr_list: noNetwork,
  port_gateway_set: noNetwork,
  port_route_add: noNetwork,
  port_route_remove: noNetwork,
  port_route_clear: noNetwork,
  port_route_list: noNetwork,
  resolve: noNetwork,
  sock_status: noSocket,
  sock_addr_local: noSocket,
  sock_addr_peer: noSocket,
  sock_open: refused(Errno.EAFNOSUPPORT, NO_NEW_SOCKETS),
  sock_pair: refused(Errno.EAFNOSUPPORT, NO_NEW_SOCKETS),
  sock_set_opt_flag: noSocket,
  sock_get_opt_flag: noSocket,
  sock_set_opt_time: noSocket,
  sock_get_opt_time: noSocket,
  sock_set_opt_size: noSocket,
  sock_get_opt_size: noSocket,
  sock_join_multicast_v4: noSocket,
  sock_leave_multicast_v4: noSocket,
  sock_join_multicast_v6: noSocket,
  sock_leave_multicast_v6: noSocket,
  sock_bind: noSocket,
  sock_listen: noSocket,
  sock_accept_v2: noSocket,
  sock_connect: noSocket,
  sock_recv_from: noSocket,
  sock_send_to: noSocket,
  sock_send_file: noSocket,
  dl_invalid_handle: refused(Errno.ENOEXEC, "No library is loaded: every handle is invalid."),
  dlopen: none(dlopen, NO_LIBRARIES),
  dlsym: none(dlsym, NO_LIBRARIES),
  call_dynamic: noDynamicCall,
  call_dynamic2: noDynamicCall,
  closure_prepare: noDynamicCall,
  closure_allocate: noDynamicCall,
  closure_free: noDynamicCall,
  reflect_signature: noDynamicCall,
  context_create: partial(context_create, CONTEXTS),
  context_switch: { ...partial(context_switch, CONTEXTS), blocks: true },
  context_destroy: partial(context_destroy, CONTEXTS),
};

/** The older door to threads, which is in every module but `wasix_32v1`. */
const threadSpawn = { "thread-spawn": full(thread_spawn) };

/** Services by module; names that a module does not have are not found there. */
const services: Readonly<Record<string, Readonly<Record<string, Service>>>> = {
  wasi_snapshot_preview1: { ...preview1, ...threadSpawn },
  wasi_unstable: {
    ...preview1,
    fd_filestat_get: full(snapshot0.fd_filestat_get),
    path_filestat_get: full(snapshot0.path_filestat_get),
    fd_seek: full(snapshot0.fd_seek),
    poll_oneoff: blocking(snapshot0.poll_oneoff),
    ...threadSpawn,
  },
  wasix_32v1: { ...preview1, ...wasix },
  wasi: threadSpawn,
};

/**
 * Finds what serves an import.
 *
 * @returns undefined where the ABI has no such import
 */
export function findSyscall(module: string, name: string): Syscall | undefined {
  if (module === "wasi_unstable" && name === "sock_accept") return undefined;
  if (!Object.hasOwn(services, module)) return undefined;
  const ofModule = services[module];
  if (!Object.hasOwn(ofModule, name)) return undefined;
  const service = ofModule[name];
  return { ...service, module, name, blocks: service.blocks ?? false };
}

/** All imports, `wasi_unstable` last. */
export function listSyscalls(): readonly Syscall[] {
  const imports = [
    ...signatures().map(({ module, name }) => ({ module, name })),
    ...wasiUnstableNames().map((name) => ({ module: "wasi_unstable", name })),
  ];
  return imports.map(({ module, name }) => {
    const found = findSyscall(module, name);
    if (found === undefined) throw new Error(`the table has no ${module}.${name}`);
    return found;
  });
}

/** The names that the table serves in a module. */
export function servedNames(module: string): readonly string[] {
  return Object.keys(services[module]).filter((name) => findSyscall(module, name) !== undefined);
}
