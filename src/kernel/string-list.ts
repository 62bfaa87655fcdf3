/**
 * String list: the arguments or the environment of a process, each string ended by NUL, one after the other.
 *
 * Life: immutable from when it is made; shared by count, as a child has its parent's environment. No lock.
 */
import { atomic32, layout, u32, type KernelMemory } from "../shm/index.ts";

/** The bytes follow the record. */
export const StringList = layout("StringList", {
  refs: atomic32,
  count: u32,
  /** Bytes of all strings with their ends. */
  length: u32,
});

/** Strings as a list holds them. */
export interface PackedStrings {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Packs strings, which must hold no NUL, as UTF-8. */
export function packStrings(strings: readonly string[]): PackedStrings {
  const text = strings.map((string) => `${string}\0`).join("");
  return { bytes: new TextEncoder().encode(text), count: strings.length };
}

/** Makes a list with a count of one; 0 when the kernel heap is full. */
export function makeStringList(memory: KernelMemory, { bytes, count }: PackedStrings): number {
  const list = StringList.allocate(memory, bytes.length);
  if (list === 0) return 0;
  StringList.refs.store(memory, list, 1);
  StringList.count.set(memory, list, count);
  StringList.length.set(memory, list, bytes.length);
  memory.u8.set(bytes, list + StringList.bytes);
  return list;
}

/** Takes one more count; 0 stays 0. */
export function keepStringList(memory: KernelMemory, list: number): number {
  if (list !== 0) StringList.refs.add(memory, list, 1);
  return list;
}

/** Drops one count; the last one frees the list. 0 is none. */
export function dropStringList(memory: KernelMemory, list: number): void {
  if (list === 0 || StringList.refs.add(memory, list, -1) !== 1) return;
  StringList.free(memory, list, StringList.length.get(memory, list));
}

/** Address of the first string. */
export function stringsOf(list: number): number {
  return list + StringList.bytes;
}
