/**
 * The ledger: how many records of each kind are alive in a kernel heap.
 *
 * Kinds are numbered in the order their layouts are declared, which is the same in every agent because every agent runs the same
 * bundle; `create` and `attach` compare the format of the heap. After all work has ended every count must be what it was at boot.
 */
import { Header, type KernelMemory } from "./memory.ts";
import { panic } from "./panic.ts";

const names: string[] = [];
const MOST = 64;

/** Gives a kind its number. A name that is known keeps its number: layouts may be declared by several bundles of one program. */
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
