/**
 * Rewind stack: the buffer in the guest's memory to which a program's own code writes the frames of a stack that is taken apart, and from which it reads them when the stack
 * is put back (asyncify, `loader/asyncify.ts`). Outside of that the frames are in an image (`kernel/stack-image.ts`), with the values of the instance's globals.
 *
 * The buffer lies in the unused part of the stack, right below the stack pointer, wherever the linker put the stack. The frames are measured before, since asyncify does not look
 * at the end of its buffer; no stack is taken apart that has no room for it. Afterwards that part of the stack is unused again.
 * Stacks of contexts are of the program's own making, and nobody knows their ends: their buffer lies in the unused part of the thread's own stack. A context may run
 * there all the same, so in a thread that has contexts the bytes that the buffer covered are put back.
 *
 * Life: one for an agent and instance group. It has one buffer at a time, for the thread that runs there: from `place` to `takeInto`, and from `putBack` to `finish`.
 */
import { GLOBAL_BYTES, type Kernel, StackImage, Thread } from "../kernel/index.ts";
import type { Asyncify } from "../loader/asyncify.ts";
import { measureFrames } from "../loader/guest-frames.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { panic } from "../shm/index.ts";

/** What stands before the frames in the buffer: where the next is written, and the end. */
const BUFFER_HEAD = 8;

/** The functions of an instrumented instance. */
interface AsyncifyExports {
  asyncify_start_unwind(buffer: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(buffer: number): void;
  asyncify_stop_rewind(): void;
}

export class RewindStack {
  /** The buffer, and for how many bytes of frames. */
  private buffer = 0;
  private bytes = 0;
  /** What the buffer covered, where that is to be put back. */
  private covered: Uint8Array | undefined;
  private readonly largestFrame: number;

  constructor(
    private readonly kernel: Kernel,
    private readonly group: InstanceGroup,
    private readonly asyncify: Asyncify,
  ) {
    this.largestFrame = asyncify.frameBytes.reduce((most, bytes) => Math.max(most, bytes), 0);
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

  /** An upper bound of the bytes that the frames of the running stack write. */
  measure(): number {
    return measureFrames(this.asyncify.frameBytes, this.largestFrame);
  }

  /** Chooses the buffer for so many bytes of the running stack's frames. False where there is no room for it. */
  place(bytes: number): boolean {
    return this.placeBelow(this.stackPointer, bytes);
  }

  private placeBelow(stackPointer: number, bytes: number): boolean {
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
    if (buffer < (isKnown(top) ? lower : 0) || !guest.has(buffer, top - buffer)) return false;
    this.buffer = buffer;
    this.bytes = bytes;
    return true;
  }

  /** Has the program's code write the frames of the running stack as its calls return, to the buffer that was chosen. */
  start(): void {
    this.cover();
    this.writeHead(0);
    this.calls.asyncify_start_unwind(this.buffer);
  }

  /** Copies what was written, and the globals, into an image. */
  takeInto(image: number): void {
    this.calls.asyncify_stop_unwind();
    const { memory } = this.kernel;
    const { guest } = this.group.context;
    const { globals } = this.asyncify;
    const start = this.buffer + BUFFER_HEAD;
    const length = guest.view.getUint32(this.buffer, true) - start;
    const data = StackImage.data.get(memory, image);
    StackImage.length.set(memory, image, length);
    if (StackImage.stackPointer.get(memory, image) === 0)
      StackImage.stackPointer.set(memory, image, this.stackPointer);
    globals.forEach((name, index) => this.saveGlobal(name, data + index * GLOBAL_BYTES));
    memory.u8.set(guest.u8.subarray(start, start + length), data + globals.length * GLOBAL_BYTES);
    this.uncover();
  }

  /**
   * Has the program's code put the frames of an image back: its entry is to be called next.
   *
   * @param keepsGlobals whether the globals, but for the stack pointer, stay as they are
   */
  putBack(image: number, keepsGlobals: boolean): void {
    const { memory } = this.kernel;
    const { guest } = this.group.context;
    const { globals } = this.asyncify;
    const data = StackImage.data.get(memory, image);
    const length = StackImage.length.get(memory, image);
    const stackPointer = StackImage.stackPointer.get(memory, image);
    if (keepsGlobals) this.global(this.asyncify.stackPointer).value = stackPointer | 0;
    else globals.forEach((name, index) => this.loadGlobal(name, data + index * GLOBAL_BYTES));
    if (!this.placeBelow(stackPointer, length))
      panic("unwinding: a stack has no room for what was taken from it");
    const frames = data + globals.length * GLOBAL_BYTES;
    this.cover();
    this.writeHead(length);
    guest.u8.set(memory.u8.subarray(frames, frames + length), this.buffer + BUFFER_HEAD);
    this.calls.asyncify_start_rewind(this.buffer);
  }

  /** The stack is back. */
  finish(): void {
    this.calls.asyncify_stop_rewind();
    this.uncover();
  }

  /** Notes what the buffer is going to cover, where a context's stack may lie there. */
  private cover(): void {
    const { guest, thread } = this.group.context;
    if (Thread.contexts.get(this.kernel.memory, thread) === 0) this.covered = undefined;
    else this.covered = guest.u8.slice(this.buffer, this.buffer + BUFFER_HEAD + this.bytes);
  }

  private uncover(): void {
    if (this.covered !== undefined) this.group.context.guest.u8.set(this.covered, this.buffer);
  }

  /** @param length bytes of frames that stand in the buffer */
  private writeHead(length: number): void {
    const { view } = this.group.context.guest;
    const start = this.buffer + BUFFER_HEAD;
    view.setUint32(this.buffer, start + length, true);
    view.setUint32(this.buffer + 4, start + this.bytes, true);
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
}
