/**
 * Snapshot: the bytes of a whole kernel heap, so that an agent which cannot share memory goes on where this one stands, and hands them back.
 *
 * Nobody may be in the heap meanwhile: no lock is held, and of two agents that have the same heap only one goes on.
 */
import { Header, KernelMemory, PAGE } from "./memory.ts";

/** The bytes of a kernel heap up to the last that was ever handed out. */
export function takeSnapshot(memory: KernelMemory): ArrayBuffer {
  return memory.u8.slice(0, memory.u32[Header.bump >> 2]).buffer as ArrayBuffer;
}

/** Puts a snapshot in the place of a heap's content. Sleepers are not told: see `notifyQueue`. */
export function restoreSnapshot(memory: KernelMemory, snapshot: ArrayBuffer): void {
  fill(memory.memory, snapshot);
  memory.refresh();
}

/** Makes a kernel heap of a snapshot. @param room a memory that held an earlier heap of the same machine, to be used again */
export function attachSnapshot(
  snapshot: ArrayBuffer,
  mayBlock: boolean,
  room?: WebAssembly.Memory,
): KernelMemory {
  const header = new Uint32Array(snapshot, 0, Header.end >> 2);
  const memory =
    room ??
    new WebAssembly.Memory({
      initial: header[Header.pages >> 2],
      maximum: header[Header.limit >> 2],
      shared: true,
    });
  fill(memory, snapshot);
  return KernelMemory.attach(memory, mayBlock);
}

function fill(memory: WebAssembly.Memory, snapshot: ArrayBuffer): void {
  const needed = new Uint32Array(snapshot, 0, Header.end >> 2)[Header.pages >> 2];
  const missing = needed - memory.buffer.byteLength / PAGE;
  if (missing > 0) memory.grow(missing);
  new Uint8Array(memory.buffer).set(new Uint8Array(snapshot));
  // A memory never shrinks: this one may have more pages than the snapshot's.
  new Uint32Array(memory.buffer)[Header.pages >> 2] = memory.buffer.byteLength / PAGE;
}
