/**
 * Ids: one counter for processes and threads, and tables from id to record.
 *
 * Ids start at 1 and are never used twice (`spec/threads.md` §2). A table holds no count: records leave it before they are freed, under its lock, and
 * finding one takes a count under the same lock.
 * Lock: `lock`, rank Ids.
 */
import { block, layout, mutex, Rank, type KernelMemory, type U32Field } from "../shm/index.ts";

const BUCKETS = 256;

export const IdTable = layout("IdTable", {
  lock: mutex(Rank.Ids),
  buckets: block(BUCKETS * 4),
});

/** The fields that a record needs to be in a table. */
export interface Keyed {
  id: U32Field;
  idNext: U32Field;
}

function bucketOf(table: number, id: number): number {
  return IdTable.buckets.at(table) + (id % BUCKETS) * 4;
}

/** Puts a record, whose id is set, in the table. */
export function addId(memory: KernelMemory, table: number, kind: Keyed, record: number): void {
  IdTable.lock.acquire(memory, table);
  const bucket = bucketOf(table, kind.id.get(memory, record)) >>> 2;
  kind.idNext.set(memory, record, memory.u32[bucket]);
  memory.u32[bucket] = record;
  IdTable.lock.release(memory, table);
}

/** Takes a record out of the table. */
export function removeId(memory: KernelMemory, table: number, kind: Keyed, record: number): void {
  IdTable.lock.acquire(memory, table);
  const bucket = bucketOf(table, kind.id.get(memory, record)) >>> 2;
  let at = memory.u32[bucket];
  if (at === record) memory.u32[bucket] = kind.idNext.get(memory, record);
  else {
    while (at !== 0 && kind.idNext.get(memory, at) !== record) at = kind.idNext.get(memory, at);
    if (at !== 0) kind.idNext.set(memory, at, kind.idNext.get(memory, record));
  }
  IdTable.lock.release(memory, table);
}

/** All ids in the table, ascending. */
export function listIds(memory: KernelMemory, table: number, kind: Keyed): number[] {
  const ids: number[] = [];
  IdTable.lock.acquire(memory, table);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    let record = memory.u32[bucketOf(table, bucket) >>> 2];
    for (; record !== 0; record = kind.idNext.get(memory, record))
      ids.push(kind.id.get(memory, record));
  }
  IdTable.lock.release(memory, table);
  return ids.sort((a, b) => a - b);
}

/** Finds the record with an id and runs `keep` on it under the lock; 0 when there is none. */
export function findId(
  memory: KernelMemory,
  table: number,
  kind: Keyed,
  id: number,
  keep: (memory: KernelMemory, record: number) => void,
): number {
  IdTable.lock.acquire(memory, table);
  let at = memory.u32[bucketOf(table, id >>> 0) >>> 2];
  while (at !== 0 && kind.id.get(memory, at) !== id) at = kind.idNext.get(memory, at);
  if (at !== 0) keep(memory, at);
  IdTable.lock.release(memory, table);
  return at;
}
