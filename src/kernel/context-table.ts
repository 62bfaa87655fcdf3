/**
 * The contexts of one thread: its stacks, of which one runs at a time (`spec/threads.md` §6). A table from a context's number to what is known of it.
 *
 * Life: made when the thread makes its first context, with the main one, 0, in it; freed with the thread.
 * Locks: none; only the thread itself touches its own; when it has ended, the agent that frees it.
 */
import { address, allocate, f64, free, type KernelMemory, layout, u32 } from "../shm/index.ts";
import { freeStackImage, freeStackImages } from "./stack-image.ts";

export const ContextTable = layout("ContextTable", {
  /** The number that was given out last: none is used twice. */
  last: f64,
  count: u32,
  /** Lists of contexts by number: a block of so many addresses. */
  buckets: address,
  bucketCount: u32,
});

export const StackContext = layout("StackContext", {
  /** The next in its bucket. */
  next: address,
  /** Index in the program's table of the function that it begins with; of no meaning for the main one. */
  entry: u32,
  id: f64,
  /** Its stack, where it stands still as an image. 0: it runs, has not begun, or the engine has its stack. */
  image: address,
  /** While it does not run, and signals' handlers run in it: `Thread.interrupted` and `Thread.handling`. */
  interrupted: address,
  handling: u32,
});

/** Contexts of a thread, its main one included. */
const MOST_CONTEXTS = 100_000;

const FIRST_BUCKETS = 8;

/** Makes a table with the main context in it; 0 when the kernel heap is full. */
export function createContextTable(memory: KernelMemory): number {
  const table = ContextTable.allocate(memory);
  if (table === 0) return 0;
  if (setBucketCount(memory, table, FIRST_BUCKETS) && insert(memory, table, 0, 0) !== 0)
    return table;
  freeContextTable(memory, table);
  return 0;
}

/** Frees a table with all that is in it; 0 is none. */
export function freeContextTable(memory: KernelMemory, table: number): void {
  if (table === 0) return;
  for (const context of listContexts(memory, table)) freeContext(memory, context);
  freeBuckets(memory, table);
  ContextTable.free(memory, table);
}

/** Adds a context that begins with a function of the program's table. Returns its number; 0 at the limit, or when the kernel heap is full. */
export function addContext(memory: KernelMemory, table: number, entry: number): number {
  const count = ContextTable.count.get(memory, table);
  if (count >= MOST_CONTEXTS) return 0;
  const bucketCount = ContextTable.bucketCount.get(memory, table);
  if (count >= bucketCount * 2 && !setBucketCount(memory, table, bucketCount * 4)) return 0;
  const id = ContextTable.last.get(memory, table) + 1;
  if (insert(memory, table, id, entry) === 0) return 0;
  ContextTable.last.set(memory, table, id);
  return id;
}

/** Whether there are contexts besides the main one. */
export function hasContexts(memory: KernelMemory, table: number): boolean {
  return table !== 0 && ContextTable.count.get(memory, table) > 1;
}

/** The context of a number, or 0. */
export function findContext(memory: KernelMemory, table: number, id: number): number {
  if (table === 0) return 0;
  let context = memory.u32[wordOf(memory, table, id)];
  while (context !== 0 && StackContext.id.get(memory, context) !== id)
    context = StackContext.next.get(memory, context);
  return context;
}

/** Takes a context out of the table, for good. Nothing happens where there is none of the number. */
export function removeContext(memory: KernelMemory, table: number, id: number): void {
  const context = findContext(memory, table, id);
  if (context === 0) return;
  const word = wordOf(memory, table, id);
  const next = StackContext.next.get(memory, context);
  if (memory.u32[word] === context) memory.u32[word] = next;
  else {
    let before = memory.u32[word];
    while (StackContext.next.get(memory, before) !== context)
      before = StackContext.next.get(memory, before);
    StackContext.next.set(memory, before, next);
  }
  ContextTable.count.set(memory, table, ContextTable.count.get(memory, table) - 1);
  freeContext(memory, context);
}

function freeContext(memory: KernelMemory, context: number): void {
  freeStackImage(memory, StackContext.image.get(memory, context));
  freeStackImages(memory, StackContext.interrupted.get(memory, context));
  StackContext.free(memory, context);
}

/** Index of the word that a number's list begins in. */
function wordOf(memory: KernelMemory, table: number, id: number): number {
  const index = id % ContextTable.bucketCount.get(memory, table);
  return (ContextTable.buckets.get(memory, table) >>> 2) + index;
}

function insert(memory: KernelMemory, table: number, id: number, entry: number): number {
  const context = StackContext.allocate(memory);
  if (context === 0) return 0;
  StackContext.id.set(memory, context, id);
  StackContext.entry.set(memory, context, entry);
  addToBucket(memory, table, context);
  ContextTable.count.set(memory, table, ContextTable.count.get(memory, table) + 1);
  return context;
}

function addToBucket(memory: KernelMemory, table: number, context: number): void {
  const word = wordOf(memory, table, StackContext.id.get(memory, context));
  StackContext.next.set(memory, context, memory.u32[word]);
  memory.u32[word] = context;
}

/** Deals the contexts out to so many buckets. False, and nothing has changed, when the kernel heap is full. */
function setBucketCount(memory: KernelMemory, table: number, bucketCount: number): boolean {
  const buckets = allocate(memory, bucketCount * 4);
  if (buckets === 0) return false;
  memory.u32.fill(0, buckets >>> 2, (buckets >>> 2) + bucketCount);
  const contexts = listContexts(memory, table);
  freeBuckets(memory, table);
  ContextTable.buckets.set(memory, table, buckets);
  ContextTable.bucketCount.set(memory, table, bucketCount);
  for (const context of contexts) addToBucket(memory, table, context);
  return true;
}

function listContexts(memory: KernelMemory, table: number): number[] {
  const contexts: number[] = [];
  const bucketCount = ContextTable.bucketCount.get(memory, table);
  for (let index = 0; index < bucketCount; index++) {
    let context = memory.u32[wordOf(memory, table, index)];
    for (; context !== 0; context = StackContext.next.get(memory, context)) contexts.push(context);
  }
  return contexts;
}

function freeBuckets(memory: KernelMemory, table: number): void {
  const buckets = ContextTable.buckets.get(memory, table);
  if (buckets !== 0) free(memory, buckets, ContextTable.bucketCount.get(memory, table) * 4);
}
