/**
 * The memories of the children that an agent forks: made as copies of the parent's, and used again when a child has ended.
 *
 * Nearly all that a copy costs is that the system gives the new memory its pages, one by one; a memory that had been written to is copied to ten times as fast. Engines
 * give a memory back when they next collect garbage, to which an agent that waits for children does not come: so keeping a few takes no more room.
 *
 * Life: with the carrier, as long as it serves the process. Used by its agent alone; the host tells by a word of shared memory that a child's has no user any more.
 */
import { createGuestMemory, GUEST_PAGE } from "../loader/program-memory.ts";
import type { Program } from "../loader/program.ts";

/** A child's memory, as it is sent to the host. */
export type ForkMemory = LentMemory | ForkContent;

/** What a memory holds that is not shared: such a one cannot be sent, so the child's agent makes its own. */
export interface ForkContent {
  readonly memory: undefined;
  readonly content: Uint8Array;
}

/** A shared memory, which comes back to the agent that made it. */
export interface LentMemory {
  readonly memory: WebAssembly.Memory;
  /** One word, 0 until the host says that nobody uses the memory any more (`giveBack`). */
  readonly isFree: Int32Array;
}

/** Memories that an agent keeps an eye on; older ones are left to their users. */
const MOST_KEPT = 2;

/** For the host: nobody uses the memory any more, nor ever will. */
export function giveBack({ isFree }: LentMemory): void {
  Atomics.store(isFree, 0, 1);
}

/** Addresses, the end not included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export class ForkMemories {
  /** The last that were made, oldest first. */
  private readonly given: LentMemory[] = [];

  constructor(private readonly program: Program) {}

  /**
   * The same content as the parent's; undefined where the host has no room.
   *
   * @param unused a part whose bytes mean nothing to the program: they may be others in the copy
   */
  copy(from: WebAssembly.Memory, unused: ByteRange): ForkMemory | undefined {
    const { buffer } = from;
    if (!this.program.hasSharedMemory) return copyContent(buffer);
    const used = this.takeFree(buffer.byteLength);
    const memory = used ?? this.make(buffer.byteLength);
    if (memory === undefined) return undefined;
    copyBlocks(buffer, memory.buffer, used === undefined, unused);
    const copy = { memory, isFree: new Int32Array(new SharedArrayBuffer(4)) };
    this.given.push(copy);
    if (this.given.length > MOST_KEPT) this.given.shift();
    return copy;
  }

  private make(bytes: number): WebAssembly.Memory | undefined {
    try {
      return createGuestMemory(this.program, bytes / GUEST_PAGE);
    } catch {
      return undefined;
    }
  }

  /** A memory of an ended child, of this size. One that is larger, since the child let it grow, is no use. */
  private takeFree(bytes: number): WebAssembly.Memory | undefined {
    const index = this.given.findIndex(({ isFree }) => Atomics.load(isFree, 0) !== 0);
    if (index < 0) return undefined;
    const [{ memory }] = this.given.splice(index, 1);
    const count = (pages: number) => (this.program.isWide ? BigInt(pages) : pages) as number;
    try {
      // By nothing at first: this agent may not have been told how far the child let it grow (`GuestMemory.synchronize`).
      memory.grow(count(0));
      const lacking = bytes - memory.buffer.byteLength;
      if (lacking > 0) memory.grow(count(lacking / GUEST_PAGE));
    } catch {
      return undefined;
    }
    return memory.buffer.byteLength === bytes ? memory : undefined;
  }
}

/** In shared bytes, so that they need not be copied when they are passed on. */
function copyContent(buffer: ArrayBufferLike): ForkContent | undefined {
  try {
    const content = new Uint8Array(new SharedArrayBuffer(buffer.byteLength));
    content.set(new Uint8Array(buffer));
    return { memory: undefined, content };
  } catch {
    return undefined;
  }
}

/** Bytes that are copied or left out together. */
const BLOCK = GUEST_PAGE;

/** Copies a memory but for an unused part. What was never written to is not written in the copy either, where that is blank: it takes no room. */
function copyBlocks(
  from: ArrayBufferLike,
  to: ArrayBufferLike,
  isBlank: boolean,
  unused: ByteRange,
): void {
  const skipped = Math.ceil(unused.start / BLOCK) * BLOCK;
  const afterwards = Math.max(skipped, Math.floor(unused.end / BLOCK) * BLOCK);
  const words = new Uint32Array(from);
  const bytes = new Uint8Array(from);
  const copy = new Uint8Array(to);
  const copyWords = new Uint32Array(to);
  const end = bytes.length;
  for (let at = 0; at < end;) {
    if (at === skipped) at = afterwards;
    if (isBlankBlock(words, at)) {
      if (!isBlank && !isBlankBlock(copyWords, at)) copy.fill(0, at, at + BLOCK);
      at += BLOCK;
      continue;
    }
    let last = at + BLOCK;
    while (last < end && last !== skipped && !isBlankBlock(words, last)) last += BLOCK;
    copy.set(bytes.subarray(at, last), at);
    at = last;
  }
}

/** Whether a block holds zeros only. Most that do not say so in their first words. */
function isBlankBlock(words: Uint32Array, at: number): boolean {
  const end = (at + BLOCK) >>> 2;
  for (let index = at >>> 2; index < end; index += 4) {
    if ((words[index] | words[index + 1] | words[index + 2] | words[index + 3]) !== 0) return false;
  }
  return true;
}
