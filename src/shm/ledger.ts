/**
 * The ledger: how many records of each kind are alive in a kernel heap.
 *
 * Kinds are known by name. Agents may run different bundles that declare layouts in another order, so each heap gives a kind its place when the first
 * record of it is made: places are claimed by the hash of the name, which stands beside the count. After all work has ended every count must be
 * what it was at boot.
 */
import { Header, type KernelMemory } from "./memory.ts";
import { panic } from "./panic.ts";

/** Kinds of this agent, by the number that its layouts use. */
const names: string[] = [];
const hashes: number[] = [];
/** How their records are laid out: a number for each. */
const shapes: number[] = [];

/** Places in a heap. */
const MOST = 64;

/** The number of a kind in this agent. A name that is known keeps its number. @param shape differs where records are laid out differently */
export function registerKind(name: string, shape: number): number {
  const known = names.indexOf(name);
  if (known >= 0) return known;
  hashes.push(hashOf(name));
  shapes.push(shape);
  return names.push(name) - 1;
}

/** FNV-1a; never 0. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash === 0 ? 1 : hash;
}

/** How records are laid out: a number for the name of each kind that this agent knows. */
export function listShapes(): Record<string, number> {
  return Object.fromEntries(names.map((name, kind) => [name, shapes[kind]]));
}

/** Address of a kind's count in a heap. */
function placeOf(memory: KernelMemory, kind: number): number {
  return memory.ledgerPlaces[kind] ?? claimPlace(memory, kind);
}

function claimPlace(memory: KernelMemory, kind: number): number {
  const hash = hashes[kind];
  for (let place = 0; place < MOST; place++) {
    const word = (Header.ledgerKinds >> 2) + place;
    const before = Atomics.compareExchange(memory.i32, word, 0, hash);
    if (before === 0 || before === hash)
      return (memory.ledgerPlaces[kind] = Header.ledger + place * 4);
  }
  panic("ledger: too many kinds of records");
}

/** Counts a record that was made. */
export function countMade(memory: KernelMemory, kind: number): void {
  memory.code.add(placeOf(memory, kind), 1);
}

/** Counts a record that was freed. */
export function countFreed(memory: KernelMemory, kind: number): void {
  if (memory.code.add(placeOf(memory, kind), -1) <= 0)
    panic(`ledger: ${names[kind]} freed once too often`);
}

/** The live records by kind, kinds without any left out. */
export function readLedger(memory: KernelMemory): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let place = 0; place < MOST; place++) {
    const count = Atomics.load(memory.i32, (Header.ledger >> 2) + place);
    if (count === 0) continue;
    const hash = Atomics.load(memory.i32, (Header.ledgerKinds >> 2) + place);
    const kind = hashes.indexOf(hash);
    counts[kind >= 0 ? names[kind] : `#${(hash >>> 0).toString(16)}`] = count;
  }
  return counts;
}
