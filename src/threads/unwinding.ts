/**
 * Unwinding: taking the stack of a thread apart, keeping it as data, and putting it back, with what asyncify put into the program (`loader/asyncify.ts`).
 *
 *     a call begins to unwind → the entry returns → the stack is an image → … → globals set, rewinding begun, the entry called again → the call is reached
 *
 * How the frames get out of the guest's memory and back is `rewind-stack.ts`; here is whose they are, and what comes next: the handlers of signals that are on the stack,
 * a child that runs on its parent's, a snapshot.
 *
 * Life: one for an agent and instance group, used by the thread that runs there.
 */
import { Errno } from "../abi/errno.ts";
import {
  Capture,
  countStackImages,
  createStackImage,
  DeepSleeper,
  DEFAULT_ACTION,
  freeStackImage,
  callbackOf,
  keepCallback,
  type Kernel,
  Pending,
  releaseRegistrations,
  Resumption,
  StackImage,
  Thread,
} from "../kernel/index.ts";
import type { Asyncify } from "../loader/asyncify.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { allocate, panic, park } from "../shm/index.ts";
import { HANDLER_END, HANDLER_UNWINDS, STACK_RESTORE } from "../syscalls/control.ts";
import { exitAsChild, takeForkImage } from "../syscalls/fork-return.ts";
import { type Rewind, UNWINDS, type UnwindPort } from "../syscalls/port.ts";
import { RewindStack } from "./rewind-stack.ts";

/** A stack that is being taken apart. */
interface Unwound {
  /** The image of the stack of which frames are written now. */
  image: number;
  readonly then: (image: number) => Rewind | undefined;
}

export class Unwinding implements UnwindPort {
  private unwound: Unwound | undefined;
  /** What the call answers that is reached when the stack is back. */
  private rewinding: { readonly result: number | undefined } | undefined;
  /** What `restore` was given. */
  private restored: Rewind | undefined;
  private readonly frames: RewindStack;

  constructor(
    private readonly kernel: Kernel,
    private readonly group: InstanceGroup,
    private readonly asyncify: Asyncify,
  ) {
    this.frames = new RewindStack(kernel, group, asyncify);
  }

  get isRewinding(): boolean {
    return this.rewinding !== undefined;
  }

  get isUnwinding(): boolean {
    return this.unwound !== undefined;
  }

  get isBusy(): boolean {
    return this.rewinding !== undefined || this.unwound !== undefined;
  }

  unwindsAt(call: string): boolean {
    return this.asyncify.unwinds.has(call);
  }

  unwind(call: string, then: (image: number) => Rewind | undefined): number {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { innerEntries, interruptions, thread } = context;
    // A start section, and a call that does not unwind: what lies below them would stay.
    const within = interruptions.filter(({ frames }) => frames === undefined);
    const isPassable =
      innerEntries === within.length &&
      interruptions.every((interruption) => interruption.call !== undefined);
    if (!isPassable || !this.unwindsAt(call)) return Errno.ENOTSUP;
    const bytes = Math.max(this.measure(), ...interruptions.map(({ frames }) => frames ?? 0));
    if (!this.frames.place(bytes)) return Errno.EOVERFLOW;
    const images = this.createImages(interruptions.length + 1, bytes);
    if (images === undefined) return Errno.ENOMEM;
    const [image] = images;
    this.unwound = { image, then };
    this.frames.start();
    // The thread's from here on: it can be ended in the middle.
    Thread.image.set(memory, thread, image);
    for (const interrupted of images.slice(1).reverse()) {
      StackImage.next.set(memory, interrupted, Thread.interrupted.get(memory, thread));
      Thread.interrupted.set(memory, thread, interrupted);
    }
    return UNWINDS;
  }

  measure(): number {
    return this.frames.measure();
  }

  /** Images for so many bytes each; undefined when the kernel heap is full. */
  private createImages(count: number, bytes: number): number[] | undefined {
    const { memory } = this.kernel;
    const images: number[] = [];
    while (images.length < count) {
      const image = createStackImage(memory, this.asyncify.globals.length, bytes);
      if (image !== 0) images.push(image);
      else {
        for (const made of images) freeStackImage(memory, made);
        return undefined;
      }
    }
    return images;
  }

  leaveHandler(): never {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { thread } = context;
    const { unwound } = this;
    const interruption = context.interruptions.pop();
    if (unwound === undefined || interruption === undefined)
      return panic("unwinding: no handler is being taken apart");
    context.claim();
    this.frames.takeInto(unwound.image);
    // What it interrupted is kept in the images that follow each other in the thread's list.
    const isInnermost = unwound.image === Thread.image.get(memory, thread);
    const image = isInnermost
      ? Thread.interrupted.get(memory, thread)
      : StackImage.next.get(memory, unwound.image);
    unwound.image = image;
    context.call = interruption.call;
    keepCallback(memory, image, interruption.callback);
    StackImage.signal.set(memory, image, interruption.signal);
    StackImage.resumption.set(memory, image, interruption.resumption);
    StackImage.answer.set(memory, image, interruption.answer);
    StackImage.handling.set(memory, image, interruption.handling);
    StackImage.callBegan.set(memory, image, interruption.callBegan);
    StackImage.callMoved.set(memory, image, interruption.callMoved);
    StackImage.stackPointer.set(memory, image, interruption.stackPointer ?? 0);
    throw HANDLER_UNWINDS;
  }

  goOnUnwinding(): number {
    this.frames.start();
    return UNWINDS;
  }

  afterEntry(thrown: { readonly error: unknown } | undefined): "rewind" | "asleep" | "ended" {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { unwound } = this;
    this.unwound = undefined;
    const hasRun = thrown === undefined ? unwound === undefined : thrown.error === HANDLER_END;
    const isHandler = Thread.interrupted.get(memory, context.thread) !== 0;
    // A child on this very stack has come to its end: its parent goes on.
    const isChild = thrown === undefined && Thread.forkImage.get(memory, context.thread) !== 0;
    const isOver = hasRun
      ? !isHandler && !isChild
      : thrown !== undefined && thrown.error !== STACK_RESTORE;
    if (isOver) {
      this.rewinding = undefined;
      return "ended";
    }
    context.claim();
    let rewind: Rewind | undefined;
    if (hasRun && isHandler) rewind = this.endHandler(thrown !== undefined);
    else if (hasRun) {
      exitAsChild(context, 0);
      rewind = this.discardHandlers(takeForkImage(context)!);
    } else if (unwound === undefined) rewind = this.discardHandlers(this.restored!);
    else {
      this.frames.takeInto(unwound.image);
      const image = Thread.image.get(memory, context.thread);
      Thread.image.set(memory, context.thread, 0);
      const depth = countStackImages(memory, Thread.interrupted.get(memory, context.thread));
      StackImage.depth.set(memory, image, depth);
      rewind = unwound.then(image);
    }
    if (rewind === undefined) return "asleep";
    this.begin(rewind);
    context.leave();
    return "rewind";
  }

  /** A handler is over that ran on a stack of its own: what it interrupted goes on. */
  private endHandler(isCutShort: boolean): Rewind {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { thread } = context;
    const image = Thread.interrupted.get(memory, thread);
    Thread.interrupted.set(memory, thread, StackImage.next.get(memory, image));
    const wasOwn = (Thread.handling.get(memory, thread) & DEFAULT_ACTION) === 0;
    Thread.handling.set(memory, thread, StackImage.handling.get(memory, image));
    Thread.callBegan.set(memory, thread, StackImage.callBegan.get(memory, image));
    Thread.callMoved.set(memory, thread, StackImage.callMoved.get(memory, image));
    if (isCutShort) context.signalCallback = callbackOf(memory, image);
    if (Thread.signals.load(memory, thread) !== 0)
      Thread.pending.or(memory, thread, Pending.signal);
    const resumption = StackImage.resumption.get(memory, image);
    context.resumes = resumption >= Resumption.waits;
    if (context.resumes) context.handlerRan = wasOwn || resumption === Resumption.waitsNoMore;
    const isAnswer = resumption === Resumption.answers;
    const result = isAnswer ? StackImage.answer.get(memory, image) | 0 : undefined;
    return { image, result, keepsGlobals: true };
  }

  /** A stack is put back that lies below handlers: those are discarded. */
  private discardHandlers(rewind: Rewind): Rewind {
    const { memory } = this.kernel;
    const { thread } = this.group.context;
    const depth = StackImage.depth.get(memory, rewind.image);
    let first = Thread.interrupted.get(memory, thread);
    for (let count = countStackImages(memory, first); count > depth; count--) {
      const image = first;
      first = StackImage.next.get(memory, image);
      Thread.handling.set(memory, thread, StackImage.handling.get(memory, image));
      freeStackImage(memory, image);
    }
    Thread.interrupted.set(memory, thread, first);
    return rewind;
  }

  begin({ image, result, isKept, keepsGlobals, finish }: Rewind): void {
    if (image === 0) return;
    const { memory } = this.kernel;
    this.frames.putBack(image, keepsGlobals === true);
    this.rewinding = { result };
    const stack = StackImage.stack.get(memory, image);
    if (stack !== 0) {
      const bytes = StackImage.stackBytes.get(memory, image);
      const stackPointer = StackImage.stackPointer.get(memory, image);
      this.group.context.guest.u8.set(memory.u8.subarray(stack, stack + bytes), stackPointer);
    }
    finish?.();
    if (isKept !== true) freeStackImage(memory, image);
  }

  endRewind(): number | undefined {
    const { rewinding } = this;
    this.rewinding = undefined;
    this.frames.finish();
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

  capture(call: string, isWaiting: boolean): boolean {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { thread, owner, process } = context;
    // The memory of a child that shares it would be that of its parent.
    if ((Thread.pending.load(memory, thread) & Pending.capture) === 0 || owner !== process)
      return false;
    const wait = (image: number) => this.waitForSnapshot(image, isWaiting);
    return this.unwind(call, wait) === UNWINDS;
  }

  /** What the call has registered stays: wake-ups that come are for a call that looks again. */
  private waitForSnapshot(image: number, isWaiting: boolean): Rewind | undefined {
    const { memory } = this.kernel;
    const { context } = this.group;
    const { thread } = context;
    keepCallback(memory, image, context.signalCallback);
    Thread.image.set(memory, thread, image);
    const { calls, none, resumes } = DeepSleeper;
    Thread.sleepsDeeply.set(memory, thread, isWaiting ? resumes : calls);
    Thread.capture.store(memory, thread, Capture.waits);
    // Others in line need its carrier to come to rest, too.
    if (context.sleeping?.leave() === true) return undefined;
    while (
      Thread.capture.load(memory, thread) === Capture.waits &&
      (Thread.pending.load(memory, thread) & Pending.exit) === 0
    )
      park(memory, thread, Infinity);
    Thread.capture.store(memory, thread, Capture.none);
    Thread.sleepsDeeply.set(memory, thread, none);
    Thread.image.set(memory, thread, 0);
    releaseRegistrations(this.kernel, thread);
    context.resumes = isWaiting;
    return { image, result: undefined };
  }

  restore(rewind: Rewind): never {
    this.restored = rewind;
    throw STACK_RESTORE;
  }
}
