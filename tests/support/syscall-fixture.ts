/**
 * A process without a program: a kernel heap, a root filesystem in memory, one thread, and its calls made by name as imports make them.
 *
 * Descriptors: 0 reads an ended pipe, 1 writes to one that `output` shows, 3 is the root directory, preopened. A call that would sleep runs `onSleep`
 * instead, where a test does what another thread would do meanwhile; without it, and when that woke nobody, a signal handler runs, and at the fourth
 * sleep of a call the thread is told to leave. Locks check their order, and none may be held after a call.
 */
import assert from "node:assert/strict";
import { findSyscall } from "../../src/syscalls/table.ts";
import { SyscallContext } from "../../src/syscalls/context.ts";
import { Control } from "../../src/syscalls/control.ts";
import { GuestMemory } from "../../src/syscalls/guest-memory.ts";
import type { ThreadPort } from "../../src/syscalls/port.ts";
import {
  createDevfs,
  createProcfs,
  createTmpfs,
  destroyDevfs,
  destroyProcfs,
  destroyTmpfs,
} from "../../src/fs/index.ts";
import { Signal } from "../../src/abi/enums.ts";
import {
  addThread,
  ALL_RIGHTS,
  type Clock,
  closeDescriptor,
  createProcess,
  createThread,
  dropProcess,
  EndReason,
  exitProcess,
  finishThread,
  installFile,
  interruptThread,
  type Kernel,
  letGo,
  lookupFile,
  makeStringList,
  openPipe,
  packStrings,
  Pending,
  Process,
  ProcessState,
  setPreopen,
  StartKind,
  Thread,
} from "../../src/kernel/index.ts";
import {
  allocate,
  blockSize,
  FIRST_POOL,
  free,
  Header,
  KernelMemory,
  type KernelMemoryOptions,
  LockOrder,
  Parked,
  readLedger,
  usedBytes,
} from "../../src/shm/index.ts";
import { bootKernel, haltKernel } from "../../src/threads/boot.ts";
import { installFurtherCalls } from "../../src/threads/further-calls.ts";
import { installMountDrivers } from "../../src/threads/mount-drivers.ts";
import {
  addMount,
  AT_OFFSET,
  dropFile,
  dropInode,
  forgetMountName,
  keepFile,
  Mount,
  Name,
  nameMount,
  Open,
  OpenFile,
  Transfer,
} from "../../src/vfs/index.ts";

export type Argument = number | bigint;

/** What a call came to: an errno or number, or how it left. */
export type Outcome = number | undefined | Control["kind"];

/** Sleeps of one call before the thread is told to leave. */
const MOST_SLEEPS = 4;

/** Pages of the guest's memory. */
const PAGES = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The host's steady clock, also as the wall clock, which on some hosts goes back a little. */
class SteadyClock implements Clock {
  setShift(): void {}
  low = 0;
  high = 0;
  readonly resolution = 1000;

  readRealtime(): void {
    this.split((performance.timeOrigin + performance.now()) * 1e6);
  }
  readMonotonic(): void {
    this.split(performance.now() * 1e6);
  }
  readProcessTime(): void {
    this.split(performance.now() * 1e6);
  }
  monotonicMilliseconds(): number {
    return performance.now();
  }
  milliseconds(): number {
    return Date.now();
  }

  private split(nanoseconds: number): void {
    this.high = Math.floor(nanoseconds / 2 ** 32);
    this.low = nanoseconds >>> 0;
  }
}

/** Bytes of the open files that are free: their pool keeps them. */
function pooledBytes(memory: KernelMemory): number {
  const list = Header.classes + FIRST_POOL * 8;
  let bytes = 0;
  for (let block = memory.u32[list >> 2]; block !== 0; block = memory.u32[(block + 4) >> 2])
    bytes += blockSize(OpenFile.bytes);
  return bytes;
}

class FixtureContext extends SyscallContext {
  sleeps = 0;
  onSleep: (() => void) | undefined;
  /** Whether a sleep that nothing ends is cut short by a signal. */
  interrupts = true;

  override markSleeping(): void {
    super.markSleeping();
    const { memory, thread } = this;
    this.sleeps++;
    this.onSleep?.();
    if (Atomics.load(memory.i32, thread >> 2) === Parked.woken) return;
    if (!this.interrupts) return;
    Thread.signals.or(memory, thread, 1 << Signal.USR1);
    const work = this.sleeps < MOST_SLEEPS ? Pending.signal : Pending.exit;
    interruptThread(memory, thread, work);
  }
}

/** Makes things in a filesystem before it is mounted. */
export interface Filler {
  file(path: string): void;
  directory(path: string): void;
  link(target: string, path: string): void;
}

function nameOf(text: string): Name {
  const bytes = encoder.encode(text);
  return new Name().set(bytes, 0, bytes.length);
}

/** A machine with a root filesystem; processes of it are `SyscallFixture`s. */
export class FixtureMachine {
  readonly memory: KernelMemory;
  readonly kernel: Kernel;
  readonly root: number;
  /** Filesystems, the root's first. */
  private readonly mounts: number[] = [];
  private readonly extraMounts: [mount: number, destroy: typeof destroyTmpfs][] = [];

  constructor(options: KernelMemoryOptions = {}) {
    this.memory = KernelMemory.create(true, { lockOrder: new LockOrder(), ...options });
    const randomness = { fill: (bytes: Uint8Array) => void bytes.fill(7) };
    const limits = { processes: 100, threads: 100 };
    const drivers = { install: installMountDrivers };
    this.kernel = bootKernel(this.memory, new SteadyClock(), randomness, limits, drivers);
    installFurtherCalls(this.kernel);
    const mount = createTmpfs(this.kernel.vfs);
    this.mounts.push(mount);
    addMount(this.memory, this.kernel.mounts, mount, 0, 0);
    this.root = Mount.root.get(this.memory, mount);
  }

  /** Puts a new filesystem in memory over a directory of the root, with what `fill` makes in it. */
  mount(name: string, options: { readOnly?: boolean }, fill: (inside: Filler) => void): void {
    const { memory, root } = this;
    const { vfs } = this.kernel;
    const mount = createTmpfs(vfs, options);
    this.mounts.push(mount);
    const top = Mount.root.get(memory, mount);
    const filesystem = vfs.filesystemOf(top);
    fill({
      file: (path) =>
        dropFile(vfs, filesystem.openAt(vfs, top, nameOf(path), Open.create | Open.write, 0)),
      directory: (path) => filesystem.makeDirectoryAt(vfs, top, nameOf(path)),
      link: (target, path) => filesystem.symlinkAt(vfs, top, nameOf(path), encoder.encode(target)),
    });
    const covered = vfs.filesystemOf(root).step(vfs, root, nameOf(name));
    assert.ok(covered > 0);
    addMount(memory, this.kernel.mounts, mount, covered, root);
    dropInode(vfs, covered);
  }

  /** Puts the devices and the processes over `dev` and `proc`, which are made. */
  mountDevices(): void {
    const { memory, root } = this;
    const { vfs } = this.kernel;
    for (const [name, create, destroy] of [
      ["dev", createDevfs, destroyDevfs],
      ["proc", createProcfs, destroyProcfs],
    ] as const) {
      assert.equal(vfs.filesystemOf(root).makeDirectoryAt(vfs, root, nameOf(name)), 0);
      const mount = create(vfs);
      this.extraMounts.push([mount, destroy]);
      const covered = vfs.filesystemOf(root).step(vfs, root, nameOf(name));
      addMount(memory, this.kernel.mounts, mount, covered, root);
      nameMount(memory, this.kernel.mounts, mount, encoder.encode("/" + name));
      dropInode(vfs, covered);
    }
  }

  /** Drops a count of an open file. */
  drop(file: number): void {
    dropFile(this.kernel.vfs, file);
  }

  /** Reads up to `length` bytes of an open file, and drops the count of it that is given. */
  readAll(file: number, length: number): Uint8Array {
    const { vfs } = this.kernel;
    const bytes = new Uint8Array(length);
    const transfer = new Transfer().single(bytes, 0, length);
    const count = vfs.operationsOf(file).read(vfs, file, transfer, AT_OFFSET);
    dropFile(vfs, file);
    return bytes.subarray(0, Math.max(0, count));
  }

  /** Writes text to a descriptor of a process, as another of its threads would. */
  writeIn(process: number, fd: number, text: string): void {
    const { vfs } = this.kernel;
    const file = lookupFile(vfs, Process.files.get(this.memory, process), fd, 0);
    const bytes = encoder.encode(text);
    const transfer = new Transfer().single(bytes, 0, bytes.length);
    assert.equal(vfs.operationsOf(file).write(vfs, file, transfer, AT_OFFSET), bytes.length);
    dropFile(vfs, file);
  }

  /** Closes a descriptor of a process, as another of its threads would. */
  closeIn(process: number, fd: number): void {
    closeDescriptor(this.kernel.vfs, Process.files.get(this.memory, process), fd);
  }

  /** Ends the machine; its processes must have ended. Fails where anything is left. */
  destroy(): void {
    for (const [mount, destroy] of this.extraMounts) {
      forgetMountName(this.memory, mount);
      destroy(this.kernel.vfs, mount);
    }
    for (const mount of this.mounts.reverse()) destroyTmpfs(this.kernel.vfs, mount);
    haltKernel(this.kernel);
    assert.deepEqual(readLedger(this.memory), {});
    assert.equal(usedBytes(this.memory) - pooledBytes(this.memory), 0, "bytes left in the heap");
  }
}

export class SyscallFixture {
  readonly context: FixtureContext;
  readonly guest: GuestMemory;
  readonly process: number;
  readonly thread: number;
  /** What the guest's signal handler was called with. */
  readonly signals: number[] = [];
  private readonly mark: number;
  private readonly pipeOut: number;
  /** Next free byte of the guest's memory for `put`; the first page is left for the tests. */
  private top = 65536;

  constructor(readonly machine: FixtureMachine) {
    const { memory, kernel, root } = machine;
    this.guest = new GuestMemory(
      new WebAssembly.Memory({ initial: PAGES, maximum: 2 * PAGES, shared: true }),
    );
    this.process = createProcess(kernel, {
      arguments: makeStringList(memory, packStrings(["program", "argument"])),
      environment: makeStringList(memory, packStrings(["NAME=value"])),
      rootDirectory: root,
      workingDirectory: root,
      workingPath: new TextEncoder().encode("/"),
      session: 0,
    });
    assert.ok(this.process > 0);
    const id = Process.id.get(memory, this.process);
    const stack = { upper: 0, lower: 0, size: 0, guard: 0, tlsBase: 0 };
    this.thread = createThread(kernel, this.process, id, StartKind.main, 0, stack);
    assert.ok(addThread(kernel, this.process, this.thread));
    letGo(kernel, this.process);
    this.mark = allocate(memory, 32);
    memory.i32[this.mark >> 2] = 0;
    const threads: ThreadPort = { spawn: () => -6, parallelism: () => 2 };
    const guestPort = {
      stackPointer: undefined,
      has: (name: string) => name === "handler",
      isContextEntry: () => false,
      call: (_name: string, signal: number) => {
        this.signals.push(signal);
      },
      callSuspendably: () => Promise.reject(new Error("this engine's stacks are not suspended")),
    };
    this.context = new FixtureContext(kernel, this.guest, threads, guestPort, this.mark);
    this.context.signalCallback = "handler";
    this.context.setThread(this.thread);
    this.pipeOut = this.openDescriptors();
  }

  private openDescriptors(): number {
    const { memory, kernel, root } = this.machine;
    const { vfs } = kernel;
    const files = Process.files.get(memory, this.process);
    const input = openPipe(vfs)!;
    const output = openPipe(vfs)!;
    dropFile(vfs, input[1]);
    assert.equal(installFile(memory, files, input[0], ALL_RIGHTS), 0);
    assert.equal(installFile(memory, files, output[1], ALL_RIGHTS), 1);
    const directory = vfs.filesystemOf(root).openDirectory(vfs, root, 0);
    assert.equal(installFile(memory, files, directory, ALL_RIGHTS, 0, 3), 3);
    setPreopen(memory, files, 3, encoder.encode("/"));
    return output[0];
  }

  /** Makes a call as an import does. */
  call(name: string, ...args: Argument[]): Outcome {
    return this.callIn("wasix_32v1", name, ...args);
  }

  callIn(module: string, name: string, ...args: Argument[]): Outcome {
    const { context, machine } = this;
    const { memory } = machine;
    const syscall = findSyscall(module, name);
    assert.ok(syscall, `${module}.${name}`);
    const handler = syscall.handler as (c: SyscallContext, ...rest: Argument[]) => Outcome;
    context.sleeps = 0;
    try {
      context.enter();
      return context.finish(handler(context, ...args));
    } catch (error) {
      context.leaveByThrow(error);
      if (!(error instanceof Control)) throw error;
      // Told to leave by `markSleeping`: the process itself goes on.
      Thread.pending.and(memory, this.thread, ~Pending.exit);
      return error.kind;
    } finally {
      memory.lockOrder?.mustBeEmpty(name);
      assert.equal(context.walk.directory, 0, `${name} left its walk on`);
      assert.equal(context.secondWalk.directory, 0, `${name} left its second walk on`);
      assert.equal(memory.i32[this.mark >> 2], 0, `${name} left the mark set`);
    }
  }

  /** The same for a call that must succeed. */
  do(name: string, ...args: Argument[]): void {
    assert.equal(this.call(name, ...args), 0, `${name}(${args.join(", ")})`);
  }

  /** Puts text or bytes in the guest's memory; their address. */
  put(data: string | Uint8Array): number {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    const at = this.reserve(bytes.length);
    this.guest.u8.set(bytes, at);
    return at;
  }

  /** Room in the guest's memory, zeroed. */
  reserve(bytes: number): number {
    if (this.top + bytes > PAGES * 65536) this.top = 65536;
    const at = this.top;
    this.top += Math.ceil((bytes + 1) / 8) * 8;
    this.guest.u8.fill(0, at, at + bytes);
    return at;
  }

  /** Address and length of a path in the guest's memory, as arguments. */
  path(text: string): [number, number] {
    return [this.put(text), encoder.encode(text).length];
  }

  /** A list of buffers: its address and count, as arguments. */
  buffers(...list: readonly (readonly [start: number, length: number])[]): [number, number] {
    const at = this.reserve(list.length * 8);
    for (const [index, [start, length]] of list.entries()) {
      this.guest.view.setUint32(at + index * 8, start, true);
      this.guest.view.setUint32(at + index * 8 + 4, length, true);
    }
    return [at, list.length];
  }

  u32(at: number): number {
    this.guest.has(at, 4);
    return this.guest.view.getUint32(at, true);
  }

  u64(at: number): bigint {
    return this.guest.view.getBigUint64(at, true);
  }

  text(at: number, length: number): string {
    return decoder.decode(this.guest.u8.slice(at, at + length));
  }

  /** What the process has written to descriptor 1. */
  output(): string {
    return decoder.decode(this.machine.readAll(keepFile(this.machine.memory, this.pipeOut), 65536));
  }

  /** Descriptors that are open, counting up to 100. */
  openCount(): number {
    const result = this.reserve(24);
    let count = 0;
    for (let fd = 0; fd < 100; fd++) if (this.call("fd_fdstat_get", fd, result) === 0) count++;
    return count;
  }

  /** Whether the process has been told to end. */
  get isEnding(): boolean {
    return Process.state.load(this.machine.memory, this.process) !== ProcessState.running;
  }

  /** Ends the process, if it has not ended itself, and frees what is left of it. */
  end(): void {
    const { memory, kernel } = this.machine;
    exitProcess(kernel, this.process, 0, EndReason.exited);
    finishThread(kernel, this.thread, 0);
    dropFile(kernel.vfs, this.pipeOut);
    free(memory, this.mark, 32);
    dropProcess(kernel, this.process);
  }
}

/** Runs a test on a new process of a new machine, and checks that nothing of them is left. */
export function withProcess(body: (fixture: SyscallFixture) => void): () => void {
  return () => {
    const machine = new FixtureMachine();
    const fixture = new SyscallFixture(machine);
    body(fixture);
    fixture.end();
    machine.destroy();
  };
}
