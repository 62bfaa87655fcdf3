/**
 * Heap pages: the content of a kernel heap page by page, without those that hold nothing, so that a machine can go on in another process.
 *
 * Nobody else may be in the heap while it is copied. What comes back may be anybody's: the header is checked, and with it every size that memory is made
 * by; the records are not, since each of their fields would have to be. Who restores a heap trusts it as it trusts the guest's own memory.
 */
import type { LockOrder } from "./lockdep.ts";
import { FORMAT, Header, KernelMemory, MAGIC, PAGE } from "./memory.ts";

/** What of a memory is copied: the numbers of its pages that hold anything, and their bytes one after the other. */
export interface HeapPages {
  readonly numbers: Uint32Array;
  readonly bytes: Uint8Array;
}

/** Bytes that are no kernel heap which this agent can go on with. */
export class HeapPagesError extends Error {
  override name = "HeapPagesError";
}

/** The content of a kernel heap as far as it is in use. */
export function contentOf(memory: KernelMemory): Uint8Array {
  memory.refreshIfGrown();
  const pages = Math.ceil(memory.u32[Header.bump >> 2] / PAGE);
  return memory.u8.subarray(0, pages * PAGE);
}

/** The numbers of the pages of a memory that hold anything. */
export function listUsedPages(content: Uint8Array): Uint32Array {
  const words = new Float64Array(content.buffer, content.byteOffset, content.length >>> 3);
  const numbers: number[] = [];
  for (let page = 0; page * PAGE < content.length; page++)
    if (!isEmpty(words, page)) numbers.push(page);
  return Uint32Array.from(numbers);
}

function isEmpty(words: Float64Array, page: number): boolean {
  const end = ((page + 1) * PAGE) >>> 3;
  let at = (page * PAGE) >>> 3;
  // Minus zero is no zero here: it has a bit set.
  while (at < end && Object.is(words[at], 0)) at++;
  return at === end;
}

/** Copies pages to where their bytes go. */
export function copyPages(content: Uint8Array, numbers: Uint32Array, into: Uint8Array): void {
  numbers.forEach((page, index) =>
    into.set(content.subarray(page * PAGE, (page + 1) * PAGE), index * PAGE),
  );
}

/** Puts pages back into a memory that holds zeros. False, and nothing is put back, where one lies outside. */
export function fillPages(content: Uint8Array, { numbers, bytes }: HeapPages): boolean {
  if (numbers.some((page) => (page + 1) * PAGE > content.length)) return false;
  numbers.forEach((page, index) =>
    content.set(bytes.subarray(index * PAGE, (index + 1) * PAGE), page * PAGE),
  );
  return true;
}

/** How a heap is made of pages. */
export interface HeapOptions {
  /** Bytes that the heap may take at most; by default as many as the one that was copied. */
  readonly limit?: number | undefined;
  readonly lockOrder?: LockOrder | undefined;
}

/**
 * Makes a kernel heap of the pages of another, and this agent's view of it, in the place of the agent that made that one.
 *
 * @throws HeapPagesError
 */
export function createFromPages(
  { numbers, bytes }: HeapPages,
  mayBlock: boolean,
  options: HeapOptions,
): KernelMemory {
  if (numbers[0] !== 0) throw new HeapPagesError("it has no kernel heap");
  const header = new Uint32Array(bytes.slice(0, Header.end).buffer);
  const pages = header[Header.pages >> 2];
  const bump = header[Header.bump >> 2];
  const root = header[Header.root >> 2];
  const own = header[Header.limit >> 2];
  const limit = options.limit === undefined ? own : Math.ceil(options.limit / PAGE);
  const isSound =
    header[Header.magic >> 2] === MAGIC &&
    header[Header.format >> 2] === FORMAT &&
    header[Header.panicked >> 2] === 0 &&
    own <= 65536 &&
    bump >= Header.end &&
    bump <= pages * PAGE &&
    root >= Header.end &&
    root < bump &&
    root % 32 === 0 &&
    numbers.every((page, index) => page < pages && (index === 0 || page > numbers[index - 1]));
  if (!isSound) throw new HeapPagesError("its kernel heap is damaged");
  if (pages > limit)
    throw new HeapPagesError(
      `its kernel heap has ${pages * PAGE} bytes, and ${limit * PAGE} are allowed (option maxKernelMemory)`,
    );
  const memory = new WebAssembly.Memory({ initial: pages, maximum: limit, shared: true });
  fillPages(new Uint8Array(memory.buffer), { numbers, bytes });
  const words = new Int32Array(memory.buffer);
  words[Header.limit >> 2] = limit;
  words[Header.spinners >> 2] = 0;
  words[Header.mostSpinners >> 2] = 0;
  // Nobody held a lock when the heap was copied.
  words[Header.bumpLock >> 2] = 0;
  for (let list = Header.classes; list < Header.ledger; list += 8) words[(list + 4) >> 2] = 0;
  return KernelMemory.attach(memory, mayBlock, options.lockOrder, true);
}
