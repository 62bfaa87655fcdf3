/**
 * Unwinding: taking the stack of a thread apart, keeping it as data, and putting it back, with what asyncify put into the program (`loader/asyncify.ts`).
 *
 *     a call begins to unwind → the entry returns → the stack is an image → … → globals set, rewinding begun, the entry called again → the call is reached
 *
 * The buffer that the program's code writes to lies in the unused part of the stack, right below the stack pointer, wherever the linker put the stack; it is
 * measured before, and no stack is taken apart that has no room for it. Afterwards its bytes are in the image, and that part of the stack is unused again.
 * Stacks of contexts are of the program's own making, of which nobody knows the ends: their buffer lies in the unused part of the thread's own. A context may run
 * there all the same, so in a thread that has some what the buffer covered is put back.
 *
 * Life: one for an agent and instance group, used by the thread that runs there.
 */
import { Errno } from "../abi/errno.ts";
import {
  createStackImage,
  freeStackImage,
  GLOBAL_BYTES,
  type Kernel,
  StackImage,
  Thread,
} from "../kernel/index.ts";
import type { Asyncify } from "../loader/asyncify.ts";
import { measureFrames } from "../loader/guest-frames.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { allocate, panic } from "../shm/index.ts";
import { STACK_RESTORE } from "../syscalls/control.ts";
import { type Rewind, UNWINDS, type UnwindPort } from "../syscalls/port.ts";

/** What stands before the frames in the buffer: where the next is written, and the end. */
const BUFFER_HEAD = 8;

/** The functions of an instrumented instance. */
interface AsyncifyExports {
  asyncify_start_unwind(buffer: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(buffer: number): void;
  asyncify_stop_rewind(): void;
}

/** A stack that is being taken apart. */
interface Unwound {
  /** Where the buffer is. */
  readonly buffer: number;
  readonly then: (image: number) => Rewind | undefined;
}

export class Unwinding implements UnwindPort {
  private unwound: Unwound | undefined;
  private rewinding: { readonly result: number | undefined; readonly buffer: number } | undefined;
  /** What the buffer covered, where that is to be put back. */
  private covered: Uint8Array | undefined;
  /** What `restore` was given. */
  private restored: Rewind | undefined;
  private readonly largestFrame: number;

  constructor(
    private readonly kernel: Kernel,
    private readonly group: InstanceGroup,
    private readonly asyncify: Asyncify,
  ) {
    this.largestFrame = asyncify.frameBytes.reduce((most, bytes) => Math.max(most, bytes), 0);
  }

  get isRewinding(): boolean {
    return this.rewinding !== undefined;
  }

  get isBusy(): boolean {
    return this.rewinding !== undefined || this.unwound !== undefined;
  }

  /** The functions of the thread's instance. */
  private get calls(): AsyncifyExports {
    return this.group.current!.exports as unknown as AsyncifyExports;
  }

  private global(name: string): WebAssembly.Global {
    return this.group.current!.exports[name] as WebAssembly.Global;
  }

  private get stackPointer(): number {
    return (this.global(this.asyncify.stackPointer).value as number) >>> 0;
  }

  unwindsAt(call: string): boolean {
    return this.asyncify.unwinds.has(call);
  }

  unwind(call: string, then: (image: number) => Rewind | undefined): number {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { asyncify } = this;
    // Handlers of signals run within a call, or on a stack of their own: what lies below them would stay.
    const isNested = context.innerEntries > 0 || Thread.handling.get(memory, context.thread) !== 0;
    if (isNested || !asyncify.unwinds.has(call)) return Errno.ENOTSUP;
    const bytes = measureFrames(asyncify.frameBytes, this.largestFrame);
    const buffer = this.placeBuffer(this.stackPointer, bytes);
    if (buffer < 0) return Errno.EOVERFLOW;
    const image = createStackImage(memory, asyncify.globals.length, bytes);
    if (image === 0) return Errno.ENOMEM;
    this.cover(buffer, bytes);
    this.writeHead(buffer, 0, bytes);
    this.calls.asyncify_start_unwind(buffer);
    // The thread's from here on: it can be ended in the middle.
    Thread.image.set(memory, context.thread, image);
    this.unwound = { buffer, then };
    return UNWINDS;
  }

  /** Where a buffer for so many bytes lies, for a stack with that pointer; negative where there is no room for it. */
  private placeBuffer(stackPointer: number, bytes: number): number {
    const { memory } = this.kernel;
    const { thread, guest } = this.group.context;
    const lower = Thread.stackLower.get(memory, thread);
    const upper = Thread.stackUpper.get(memory, thread);
    const isKnown = (pointer: number) => pointer > lower && pointer <= upper;
    let top = stackPointer;
    if (Thread.context.get(memory, thread) !== 0) {
      const main = Thread.mainStackPointer.get(memory, thread);
      if (isKnown(main)) top = isKnown(stackPointer) ? Math.min(stackPointer, main) : main;
    }
    const buffer = Math.floor((top - bytes - BUFFER_HEAD) / 16) * 16;
    // A stack that is not known must have the room, as for a function that the program would call.
    const hasRoom = buffer >= (isKnown(top) ? lower : 0) && guest.has(buffer, top - buffer);
    return hasRoom ? buffer : -1;
  }

  /** Notes what the buffer is going to cover, where a context's stack may lie there. */
  private cover(buffer: number, bytes: number): void {
    const { guest, thread } = this.group.context;
    if (Thread.contexts.get(this.kernel.memory, thread) === 0) this.covered = undefined;
    else this.covered = guest.u8.slice(buffer, buffer + BUFFER_HEAD + bytes);
  }

  private uncover(buffer: number): void {
    if (this.covered !== undefined) this.group.context.guest.u8.set(this.covered, buffer);
  }

  private writeHead(buffer: number, length: number, bytes: number): void {
    const { view } = this.group.context.guest;
    const start = buffer + BUFFER_HEAD;
    view.setUint32(buffer, start + length, true);
    view.setUint32(buffer + 4, start + bytes, true);
  }

  afterEntry(thrown: { readonly error: unknown } | undefined): "rewind" | "asleep" | "ended" {
    const { context } = this.group;
    const { unwound } = this;
    this.unwound = undefined;
    if (thrown === undefined ? unwound === undefined : thrown.error !== STACK_RESTORE) {
      this.rewinding = undefined;
      return "ended";
    }
    context.claim();
    let rewind = this.restored;
    if (unwound !== undefined) {
      this.calls.asyncify_stop_unwind();
      rewind = unwound.then(this.take(unwound));
    }
    if (rewind === undefined) return "asleep";
    this.begin(rewind);
    context.leave();
    return "rewind";
  }

  /** Copies what was written into the image, which is the caller's then. */
  private take({ buffer }: Unwound): number {
    const { memory } = this.kernel;
    const { guest, thread } = this.group.context;
    const image = Thread.image.get(memory, thread);
    Thread.image.set(memory, thread, 0);
    const { globals } = this.asyncify;
    const start = buffer + BUFFER_HEAD;
    const length = guest.view.getUint32(buffer, true) - start;
    const data = StackImage.data.get(memory, image);
    StackImage.length.set(memory, image, length);
    StackImage.stackPointer.set(memory, image, this.stackPointer);
    globals.forEach((name, index) => this.saveGlobal(name, data + index * GLOBAL_BYTES));
    memory.u8.set(guest.u8.subarray(start, start + length), data + globals.length * GLOBAL_BYTES);
    this.uncover(buffer);
    return image;
  }

  private saveGlobal(name: string, at: number): void {
    const { memory } = this.kernel;
    const value: unknown = this.global(name).value;
    if (typeof value === "bigint") {
      memory.u32[at >>> 2] = Number(BigInt.asUintN(32, value));
      memory.u32[(at >>> 2) + 1] = Number(BigInt.asUintN(32, value >> 32n));
    } else memory.f64[at >>> 3] = value as number;
  }

  private loadGlobal(name: string, at: number): void {
    const { memory } = this.kernel;
    const global = this.global(name);
    global.value =
      typeof global.value === "bigint"
        ? (BigInt(memory.u32[(at >>> 2) + 1]) << 32n) | BigInt(memory.u32[at >>> 2])
        : memory.f64[at >>> 3];
  }

  begin({ image, result, isKept, keepsGlobals, finish }: Rewind): void {
    if (image === 0) return;
    const { memory } = this.kernel;
    const { guest } = this.group.context;
    const { globals } = this.asyncify;
    const data = StackImage.data.get(memory, image);
    const length = StackImage.length.get(memory, image);
    const stackPointer = StackImage.stackPointer.get(memory, image);
    if (keepsGlobals === true) this.global(this.asyncify.stackPointer).value = stackPointer | 0;
    else globals.forEach((name, index) => this.loadGlobal(name, data + index * GLOBAL_BYTES));
    const buffer = this.placeBuffer(stackPointer, length);
    if (buffer < 0) panic("unwinding: a stack has no room for what was taken from it");
    const frames = data + globals.length * GLOBAL_BYTES;
    this.cover(buffer, length);
    this.writeHead(buffer, length, length);
    guest.u8.set(memory.u8.subarray(frames, frames + length), buffer + BUFFER_HEAD);
    this.calls.asyncify_start_rewind(buffer);
    this.rewinding = { result, buffer };
    const stack = StackImage.stack.get(memory, image);
    if (stack !== 0) {
      const bytes = StackImage.stackBytes.get(memory, image);
      guest.u8.set(memory.u8.subarray(stack, stack + bytes), stackPointer);
    }
    finish?.();
    if (isKept !== true) freeStackImage(memory, image);
  }

  endRewind(): number | undefined {
    const { rewinding } = this;
    this.rewinding = undefined;
    this.calls.asyncify_stop_rewind();
    if (rewinding !== undefined) this.uncover(rewinding.buffer);
    return rewinding?.result;
  }

  keepMemory(image: number): boolean {
    const { memory } = this.kernel;
    const { guest, thread } = this.group.context;
    const start = StackImage.stackPointer.get(memory, image);
    const end = Thread.stackUpper.get(memory, thread);
    if (start <= Thread.stackLower.get(memory, thread) || start > end) return false;
    const bytes = Math.max(1, end - start);
    const stack = allocate(memory, bytes);
    if (stack === 0) return false;
    memory.u8.set(guest.u8.subarray(start, end), stack);
    StackImage.stack.set(memory, image, stack);
    StackImage.stackBytes.set(memory, image, bytes);
    return true;
  }

  restore(rewind: Rewind): never {
    this.restored = rewind;
    throw STACK_RESTORE;
  }
}
