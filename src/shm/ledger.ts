/**
 * The ledger: how many records of each kind are alive in a kernel heap.
 *
 * A kind's number is its place in `KINDS`, so that it is the same in every agent: bundles declare layouts in different orders, and leave out
 * those they do not use. Kinds that are not listed are numbered after them as they are declared: for tests of one agent. After all work has
 * ended every count must be what it was at boot.
 */
import { Header, type KernelMemory } from "./memory.ts";
import { panic } from "./panic.ts";

/** Every kind of record, of this floor and of those above. New ones go to the end. */
const KINDS: readonly string[] = [
  "Carrier",
  "Crew",
  "DevfsInode",
  "EventCounter",
  "EventRecord",
  "FileEntry",
  "FileTable",
  "FileTableArray",
  "FutexBucket",
  "FutexWaiter",
  "HostDirectory",
  "HostListing",
  "HostMount",
  "IdTable",
  "Inode",
  "KernelRoot",
  "Mount",
  "Mounts",
  "OpenFile",
  "Parker",
  "Pipe",
  "Process",
  "ReadyQueue",
  "Thread",
  "TmpfsEntry",
  "TmpfsInode",
  "TmpfsTree",
  "WaitEntry",
  "WaitQueue",
];

const names = [...KINDS];
const MOST = 64;

/** Gives a kind its number. */
export function registerKind(name: string): number {
  const known = names.indexOf(name);
  if (known >= 0) return known;
  if (names.length === MOST) panic("ledger: too many kinds of records");
  return names.push(name) - 1;
}

export function countMade(memory: KernelMemory, kind: number): void {
  Atomics.add(memory.i32, (Header.ledger >> 2) + kind, 1);
}

export function countFreed(memory: KernelMemory, kind: number): void {
  if (Atomics.sub(memory.i32, (Header.ledger >> 2) + kind, 1) <= 0)
    panic(`ledger: ${names[kind]} freed once too often`);
}

/** The live records by kind, kinds without any left out. */
export function readLedger(memory: KernelMemory): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let kind = 0; kind < names.length; kind++) {
    const count = Atomics.load(memory.i32, (Header.ledger >> 2) + kind);
    if (count !== 0) counts[names[kind]] = count;
  }
  return counts;
}
