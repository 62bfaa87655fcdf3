/**
 * Stack images: stacks of guest code as bytes, and the checkpoints that threads keep of theirs.
 *
 * An image holds what a stack is beyond linear memory: the rewind stack, which the program's own code wrote when it took its frames apart, and the values of the
 * instance's globals, the stack pointer among them. Linear memory stays where it is: others may write to the stack of a thread that sleeps (a condition
 * variable's waiter lies there), and a fork copies all of it. Only a child that shares its parent's memory runs on the parent's stack; so the image that the
 * parent goes on from holds that part of the memory too.
 *
 * Life: made before the stack is taken apart, with room for the most that can come; freed when the stack is put back for the last time, or at its thread's end.
 * Locks: none; an image belongs to one thread; only the agent that runs or finishes that thread touches it.
 */
import { address, allocate, f64, free, layout, u32, type KernelMemory } from "../shm/index.ts";

/** Bytes of a global's value: all are kept as 64 bits. */
export const GLOBAL_BYTES = 8;

export const StackImage = layout("StackImage", {
  /** The next in a list of its owner's. */
  next: address,
  /** Globals, then the rewind stack: one block, of `capacity` bytes. */
  data: address,
  capacity: u32,
  globals: u32,
  /** Bytes of the rewind stack. */
  length: u32,
  /** A copy of the stack's linear memory, from the stack pointer up, where one is kept: a block of so many bytes, or 0. */
  stack: address,
  stackBytes: u32,
  /** Name of the export that takes the thread's signals, UTF-8, where it registered one itself: a block of so many bytes, or 0. */
  callback: address,
  callbackBytes: u32,
  /** What a checkpoint is known by: four words that the program cannot guess for another. */
  key0: u32,
  key1: u32,
  key2: u32,
  key3: u32,
  /** The stack pointer, which orders checkpoints of one stack. */
  stackPointer: u32,
  /** The context whose stack it is, of a checkpoint. */
  context: f64,
  /** How many stacks of the thread's lie below it, each interrupted by the one before (`Thread.interrupted`). */
  depth: u32,
  /** Of a stack that a signal's handler interrupted: the signal, and how the call goes on in which it came (`Resumption`), with the answer that it had. */
  signal: u32,
  resumption: u32,
  answer: u32,
  /** Then also what the thread's record held of that call: `Thread.handling`, `callBegan`, `callMoved`. */
  handling: u32,
  callBegan: f64,
  callMoved: f64,
});

/** How a call goes on in which a signal's handler ran. */
export const Resumption = {
  /** It had not begun: it is made. */
  begins: 0,
  /** It had ended: it answers. */
  answers: 1,
  /** It waits: it is made again, and takes up what the record holds of it. `waitsNoMore` where a handler of the program's own ran in it before this one. */
  waits: 2,
  waitsNoMore: 3,
} as const;

/** Makes an image with room for so many globals and bytes; 0 when the kernel heap is full. */
export function createStackImage(memory: KernelMemory, globals: number, bytes: number): number {
  const capacity = Math.max(1, globals * GLOBAL_BYTES + bytes);
  const image = StackImage.allocate(memory);
  const data = image === 0 ? 0 : allocate(memory, capacity);
  if (data === 0) {
    if (image !== 0) StackImage.free(memory, image);
    return 0;
  }
  StackImage.data.set(memory, image, data);
  StackImage.capacity.set(memory, image, capacity);
  StackImage.globals.set(memory, image, globals);
  return image;
}

/** Frees an image; 0 is none. */
export function freeStackImage(memory: KernelMemory, image: number): void {
  if (image === 0) return;
  free(memory, StackImage.data.get(memory, image), StackImage.capacity.get(memory, image));
  const callback = StackImage.callback.get(memory, image);
  if (callback !== 0) free(memory, callback, StackImage.callbackBytes.get(memory, image));
  const stack = StackImage.stack.get(memory, image);
  if (stack !== 0) free(memory, stack, StackImage.stackBytes.get(memory, image));
  StackImage.free(memory, image);
}

/** An image with the same content, in no list; 0 when the kernel heap is full. */
export function copyStackImage(memory: KernelMemory, image: number): number {
  const globals = StackImage.globals.get(memory, image);
  const length = StackImage.length.get(memory, image);
  const copy = createStackImage(memory, globals, length);
  if (copy === 0) return 0;
  const from = StackImage.data.get(memory, image);
  const to = StackImage.data.get(memory, copy);
  memory.u8.copyWithin(to, from, from + globals * GLOBAL_BYTES + length);
  for (const field of [
    StackImage.length,
    StackImage.key0,
    StackImage.key1,
    StackImage.key2,
    StackImage.key3,
    StackImage.stackPointer,
    StackImage.depth,
    StackImage.signal,
    StackImage.resumption,
    StackImage.answer,
    StackImage.handling,
    StackImage.callBegan,
    StackImage.callMoved,
  ])
    field.set(memory, copy, field.get(memory, image));
  keepCallback(memory, copy, callbackOf(memory, image));
  return copy;
}

/** Most checkpoints of a thread, and most bytes of them: the oldest are forgotten. Programs copy and overwrite theirs without a word. */
const MOST_CHECKPOINTS = 1024;
const MOST_CHECKPOINT_BYTES = 4 * 2 ** 20;

/**
 * Puts a checkpoint first in a list, and forgets those that no one can go back to: of functions that have returned, whose stack pointers lie below on the same
 * stack; and the oldest of too many.
 *
 * @param first the list's first image, or 0; returns the new one
 */
export function addCheckpoint(memory: KernelMemory, first: number, image: number): number {
  const stackPointer = StackImage.stackPointer.get(memory, image);
  const context = StackImage.context.get(memory, image);
  let count = 1;
  let bytes = StackImage.capacity.get(memory, image);
  let last = image;
  for (let other = first; other !== 0;) {
    const next = StackImage.next.get(memory, other);
    bytes += StackImage.capacity.get(memory, other);
    const isDead =
      (StackImage.stackPointer.get(memory, other) < stackPointer &&
        StackImage.context.get(memory, other) === context) ||
      ++count > MOST_CHECKPOINTS ||
      bytes > MOST_CHECKPOINT_BYTES;
    if (isDead) {
      bytes -= StackImage.capacity.get(memory, other);
      freeStackImage(memory, other);
    } else {
      StackImage.next.set(memory, last, other);
      last = other;
    }
    other = next;
  }
  StackImage.next.set(memory, last, 0);
  return image;
}

/** The checkpoint of a key and a context in a list, or 0. */
export function findCheckpoint(
  memory: KernelMemory,
  first: number,
  context: number,
  [key0, key1, key2, key3]: readonly [number, number, number, number],
): number {
  let image = first;
  while (
    image !== 0 &&
    (StackImage.key0.get(memory, image) !== key0 ||
      StackImage.key1.get(memory, image) !== key1 ||
      StackImage.key2.get(memory, image) !== key2 ||
      StackImage.key3.get(memory, image) !== key3 ||
      StackImage.context.get(memory, image) !== context)
  )
    image = StackImage.next.get(memory, image);
  return image;
}

/** Frees a list of images. */
export function freeStackImages(memory: KernelMemory, first: number): void {
  for (let image = first; image !== 0;) {
    const next = StackImage.next.get(memory, image);
    freeStackImage(memory, image);
    image = next;
  }
}

/** Forgets the checkpoints of a context. Returns the list's first image then, or 0. */
export function removeCheckpoints(memory: KernelMemory, first: number, context: number): number {
  let head = 0;
  let last = 0;
  for (let image = first; image !== 0;) {
    const next = StackImage.next.get(memory, image);
    if (StackImage.context.get(memory, image) === context) freeStackImage(memory, image);
    else {
      if (last === 0) head = image;
      else StackImage.next.set(memory, last, image);
      last = image;
    }
    image = next;
  }
  if (last !== 0) StackImage.next.set(memory, last, 0);
  return head;
}

/** A copy of the main context's images in a list, in the same order; undefined when the kernel heap is full. */
export function copyMainImages(memory: KernelMemory, first: number): number | undefined {
  let head = 0;
  let last = 0;
  for (let image = first; image !== 0; image = StackImage.next.get(memory, image)) {
    if (StackImage.context.get(memory, image) !== 0) continue;
    const copy = copyStackImage(memory, image);
    if (copy === 0) {
      freeStackImages(memory, head);
      return undefined;
    }
    if (last === 0) head = copy;
    else StackImage.next.set(memory, last, copy);
    last = copy;
  }
  return head;
}

/** The name of the export that takes the thread's signals belongs to it, wherever it runs. */
export function keepCallback(memory: KernelMemory, image: number, name: string | undefined): void {
  if (name === undefined) return;
  const bytes = new TextEncoder().encode(name);
  const block = bytes.length === 0 ? 0 : allocate(memory, bytes.length);
  // Without room for it signals go to the first one's export of the process, which is the same in all programs of the C library.
  if (block === 0) return;
  memory.u8.set(bytes, block);
  StackImage.callback.set(memory, image, block);
  StackImage.callbackBytes.set(memory, image, bytes.length);
}

/** The name that `keepCallback` was given, or undefined. */
export function callbackOf(memory: KernelMemory, image: number): string | undefined {
  const name = StackImage.callback.get(memory, image);
  if (name === 0) return undefined;
  const bytes = memory.u8.slice(name, name + StackImage.callbackBytes.get(memory, image));
  return new TextDecoder().decode(bytes);
}

/** How many images are in a list. */
export function countStackImages(memory: KernelMemory, first: number): number {
  let count = 0;
  for (let image = first; image !== 0; image = StackImage.next.get(memory, image)) count++;
  return count;
}
