/**
 * The calls that few programs make. They are a part of their own, with what the kernel needs for them: an agent is given it before it runs a program
 * that imports one (`threads/further-calls.ts`).
 */
import { Errno } from "../abi/errno.ts";
import { stack_checkpoint, stack_restore } from "./checkpoint.ts";
import { clock_time_set } from "./clock.ts";
import { context_create, context_destroy, context_switch } from "./contexts.ts";
import { epoll_create, epoll_ctl, epoll_wait } from "./epoll.ts";
import { fd_event } from "./event.ts";
import { fd_dup, fd_dup2, fd_pipe, fd_renumber } from "./fd-create.ts";
import {
  fd_advise,
  fd_fdflags_get,
  fd_fdflags_set,
  fd_fdstat_set_rights,
  fd_filestat_set_times,
} from "./fd-status.ts";
import { fd_allocate } from "./fd.ts";
import { path_filestat_set_times, path_link, path_readlink, path_symlink } from "./path.ts";
import { blocking, full, none, partial, refused, type Service, type Services } from "./service.ts";
import { proc_raise_interval } from "./interval.ts";
import { poll_oneoff } from "./poll.ts";
import { proc_parent, proc_raise, proc_signal } from "./process.ts";
import { proc_exec, proc_exec2, proc_exec3, proc_exec4 } from "./process-exec.ts";
import { proc_join } from "./process-join.ts";
import { proc_snapshot } from "./process-snapshot.ts";
import { proc_spawn } from "./process-spawn-v1.ts";
import { proc_spawn2, proc_spawn3 } from "./process-spawn.ts";
import { proc_fork } from "./process-fork.ts";
import { proc_fork_env } from "./process-vfork.ts";
import * as snapshot0 from "./snapshot0.ts";
import { refuseSocketCall } from "./sock.ts";
import { pathPreview1 } from "./path-table.ts";
import { preview1, threadSpawn } from "./table.ts";
import { tty_get, tty_set } from "./tty.ts";
import { dlopen, dlsym } from "./unsupported.ts";
import { chdir } from "./working-directory.ts";

const NO_SOCKETS = "There are no sockets yet: ENOTSOCK, or EBADF for a closed descriptor.";
const NO_NEW_SOCKETS = "There are no sockets yet: EAFNOSUPPORT.";
const NO_NETWORK = "There is no network to configure: ENOTSUP.";
const CONTEXTS =
  "Where the engine can suspend stacks (JSPI: current Node, Chromium, Firefox), and elsewhere in programs that carry asyncify (weft instrument); in others ENOTSUP.";
const NO_DYNAMIC_CALLS = "Functions are called and made by the program itself only: ENOTSUP.";
const NO_LIBRARIES = "Libraries cannot be loaded at run time: EUNKNOWN with a message.";

const noSocket = none(refuseSocketCall, NO_SOCKETS);
const noNetwork = refused(Errno.ENOTSUP, NO_NETWORK);
const noDynamicCall = refused(Errno.ENOTSUP, NO_DYNAMIC_CALLS);

/** Calls that the first snapshot of WASI has, and all later ones. */
const old: Readonly<Record<string, Service>> = {
  fd_advise: partial(fd_advise, "The advice is checked and has no effect."),
  fd_allocate: full(fd_allocate),
  fd_fdstat_set_rights: full(fd_fdstat_set_rights),
  fd_filestat_set_times: full(fd_filestat_set_times),
  fd_renumber: full(fd_renumber),
  path_filestat_set_times: full(path_filestat_set_times),
  path_link: full(path_link),
  path_readlink: full(path_readlink),
  path_symlink: full(path_symlink),
  poll_oneoff: blocking(poll_oneoff),
  proc_raise: full(proc_raise),
  sock_recv: noSocket,
  sock_send: noSocket,
  sock_shutdown: noSocket,
};

const furtherPreview1: Readonly<Record<string, Service>> = { ...old, sock_accept: noSocket };

const wasix: Readonly<Record<string, Service>> = {
  ...furtherPreview1,
  clock_time_set: partial(clock_time_set, "No program may set the clock of the host: EPERM."),
  fd_dup: full(fd_dup),
  fd_dup2: full(fd_dup2),
  fd_pipe: full(fd_pipe),
  fd_fdflags_get: full(fd_fdflags_get),
  fd_fdflags_set: full(fd_fdflags_set),
  chdir: full(chdir),
  proc_parent: full(proc_parent),
  proc_signal: full(proc_signal),
  fd_event: full(fd_event),
  epoll_create: full(epoll_create),
  epoll_ctl: full(epoll_ctl),
  epoll_wait: blocking(epoll_wait),

  tty_get: full(tty_get),
  tty_set: blocking(tty_set),

  stack_checkpoint: partial(
    stack_checkpoint,
    "In programs that carry asyncify (weft instrument); in others ENOTSUP.",
  ),
  stack_restore: full(stack_restore),
  proc_raise_interval: full(proc_raise_interval),
  proc_fork: partial(
    proc_fork,
    "In programs that carry asyncify (weft instrument), in the main context; elsewhere ENOTSUP.",
  ),
  proc_fork_env: partial(
    proc_fork_env,
    "A child that leaves by the oldest proc_exit, or returns from the program's entry, ends its parent as well: it has no stack of its own.",
  ),
  proc_exec: blocking(proc_exec),
  proc_exec2: blocking(proc_exec2),
  proc_exec3: blocking(proc_exec3),
  proc_exec4: blocking(proc_exec4),
  proc_spawn: {
    ...partial(proc_spawn, "No other root or preopened directories: ENOTSUP."),
    blocks: true,
  },
  proc_spawn2: blocking(proc_spawn2),
  proc_spawn3: blocking(proc_spawn3),
  proc_join: blocking(proc_join),
  proc_snapshot: partial(
    proc_snapshot,
    "Where the host has the option onSnapshot or keeps a journal (else 0), in programs that carry asyncify and import a shared memory; every thread of the machine must come to a call. A thread may have contexts where the program's context_switch was instrumented.",
  ),
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

export const furtherServices: Services = {
  wasi_snapshot_preview1: furtherPreview1,
  wasi_unstable: {
    ...preview1,
    ...pathPreview1,
    ...old,
    fd_filestat_get: full(snapshot0.fd_filestat_get),
    path_filestat_get: full(snapshot0.path_filestat_get),
    fd_seek: full(snapshot0.fd_seek),
    poll_oneoff: blocking(snapshot0.poll_oneoff),
    ...threadSpawn,
  },
  wasix_32v1: wasix,
};
