/**
 * Declared records: names and types of fields in, offsets and accessors out.
 *
 * A record is an address in the kernel heap. A layout is a bundle of accessors for records of one kind:
 *
 *     const Pipe = layout("Pipe", { lock: mutex(Rank.Pipe), readers: u32, waiters: u32 });
 *     const pipe = Pipe.allocate(memory);      // zeroed, or 0 when the heap is full
 *     Pipe.readers.set(memory, pipe, 1);
 *     Pipe.lock.acquire(memory, pipe);
 *     Pipe.free(memory, pipe);
 *
 * `u32`, `f64` and `address` fields are plain: the file that declares them says who may touch them. `atomic32` fields offer only atomic
 * operations. Raw index arithmetic on kernel memory happens on this floor, and in the few hot functions that say so.
 */
import { allocate, allocatePooled, free, freePooled } from "./heap.ts";
import { countFreed, countMade, hashOf, registerKind } from "./ledger.ts";
import type { KernelMemory } from "./memory.ts";
import { acquireLock, releaseLock } from "./mutex.ts";
import { panic } from "./panic.ts";
import type { Rank } from "./ranks.ts";

/** A plain 32-bit unsigned number. */
export class U32Field {
  constructor(readonly offset: number) {}
  get(memory: KernelMemory, record: number): number {
    return memory.u32[(record + this.offset) >>> 2];
  }
  set(memory: KernelMemory, record: number, value: number): void {
    memory.u32[(record + this.offset) >>> 2] = value;
  }
}

/** A plain 64-bit floating point number: sizes and offsets of files, exact up to 2^53. */
export class F64Field {
  constructor(readonly offset: number) {}
  get(memory: KernelMemory, record: number): number {
    return memory.f64[(record + this.offset) >>> 3];
  }
  set(memory: KernelMemory, record: number, value: number): void {
    memory.f64[(record + this.offset) >>> 3] = value;
  }
}

/** A 64-bit unsigned number as two plain words: points in time in nanoseconds, which no double can hold. */
export class U64Field {
  constructor(readonly offset: number) {}
  low(memory: KernelMemory, record: number): number {
    return memory.u32[(record + this.offset) >>> 2];
  }
  high(memory: KernelMemory, record: number): number {
    return memory.u32[(record + this.offset + 4) >>> 2];
  }
  set(memory: KernelMemory, record: number, low: number, high: number): void {
    memory.u32[(record + this.offset) >>> 2] = low;
    memory.u32[(record + this.offset + 4) >>> 2] = high;
  }
}

/** A signed 32-bit word that agents change at the same time: atomic operations only. */
export class Atomic32Field {
  constructor(readonly offset: number) {}
  load(memory: KernelMemory, record: number): number {
    return memory.code.load((record + this.offset) | 0);
  }
  /** The value by a plain read, which engines compile to one instruction: a guess, for an atomic operation that follows and checks it. */
  guess(memory: KernelMemory, record: number): number {
    return memory.i32[(record + this.offset) >>> 2];
  }
  store(memory: KernelMemory, record: number, value: number): void {
    memory.code.store((record + this.offset) | 0, value);
  }
  /** Adds and returns the value before. */
  add(memory: KernelMemory, record: number, value: number): number {
    return memory.code.add((record + this.offset) | 0, value);
  }
  or(memory: KernelMemory, record: number, bits: number): number {
    return memory.code.or((record + this.offset) | 0, bits);
  }
  and(memory: KernelMemory, record: number, bits: number): number {
    return memory.code.and((record + this.offset) | 0, bits);
  }
  exchange(memory: KernelMemory, record: number, value: number): number {
    return memory.code.exchange((record + this.offset) | 0, value);
  }
  /** Stores `value` if the word is `expected`; returns the value before. */
  compareExchange(memory: KernelMemory, record: number, expected: number, value: number): number {
    return memory.code.compareExchange((record + this.offset) | 0, expected, value);
  }
}

/** A lock inside a record. */
export class MutexField {
  constructor(
    readonly offset: number,
    readonly rank: Rank,
    readonly name: string,
  ) {}
  acquire(memory: KernelMemory, record: number): void {
    acquireLock(memory, record + this.offset);
    if (memory.lockOrder !== undefined)
      memory.lockOrder.acquired(this.name, this.rank, record + this.offset);
  }
  release(memory: KernelMemory, record: number): void {
    if (memory.lockOrder !== undefined) memory.lockOrder.released(this.name, record + this.offset);
    releaseLock(memory, record + this.offset);
  }
}

/** A run of bytes, or a record of another kind, inside a record: `at` gives its address. */
export class BlockField {
  constructor(readonly offset: number) {}
  at(record: number): number {
    return record + this.offset;
  }
}

/** What a field is, before it has a place. */
export interface FieldKind<F> {
  readonly bytes: number;
  readonly alignment: number;
  place(offset: number, name: string): F;
}

export const u32: FieldKind<U32Field> = {
  bytes: 4,
  alignment: 4,
  place: (offset) => new U32Field(offset),
};
/** The address of a record, or 0. */
export const address: FieldKind<U32Field> = u32;
export const f64: FieldKind<F64Field> = {
  bytes: 8,
  alignment: 8,
  place: (offset) => new F64Field(offset),
};
export const u64: FieldKind<U64Field> = {
  bytes: 8,
  alignment: 4,
  place: (offset) => new U64Field(offset),
};
export const atomic32: FieldKind<Atomic32Field> = {
  bytes: 4,
  alignment: 4,
  place: (offset) => new Atomic32Field(offset),
};

/** A lock of the given rank. */
export function mutex(rank: Rank): FieldKind<MutexField> {
  return { bytes: 4, alignment: 4, place: (offset, name) => new MutexField(offset, rank, name) };
}

/** `bytes` bytes, or room for another layout's record. */
export function block(bytes: number, alignment = 8): FieldKind<BlockField> {
  return { bytes, alignment, place: (offset) => new BlockField(offset) };
}

type Fields = Record<string, FieldKind<unknown>>;
type Placed<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends FieldKind<infer P> ? P : never;
};

/** A kind of record, but for its fields. */
export interface RecordKind {
  readonly layoutName: string;
  /** Bytes of a record, a multiple of 8. */
  readonly bytes: number;
  /** Makes a zeroed record and counts it in the ledger; 0 when the heap is full. `extra` bytes may follow the record. */
  allocate(memory: KernelMemory, extra?: number): number;
  /** Gives a record back. The same `extra` as at its making. */
  free(memory: KernelMemory, record: number, extra?: number): void;
}

export type Layout<F extends Fields> = RecordKind & Placed<F>;

const RESERVED = new Set(["layoutName", "bytes", "allocate", "free"]);

/**
 * Declares a kind of record. The name is what the ledger and panics call it; fields are laid out in the order given.
 *
 * A bundle has `recordKind` in its place, and the fields by themselves (`tools/bundle/inline-records.mjs`). So the constant must have the record's name, be exported, and
 * be used for nothing but its members.
 *
 * @param pool number of a pool of its own (`heap.ts`), for records that stale addresses may be looked at
 */
export function layout<F extends Fields>(name: string, fields: F, pool?: number): Layout<F> {
  let offset = 0;
  let shape = "";
  const placed: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(fields)) {
    if (RESERVED.has(key)) panic(`layout ${name}: a field cannot be called ${key}`);
    offset = Math.ceil(offset / kind.alignment) * kind.alignment;
    placed[key] = kind.place(offset, `${name}.${key}`);
    shape += `${key}@${offset}+${kind.bytes} `;
    offset += kind.bytes;
  }
  const bytes = Math.ceil(offset / 8) * 8;
  const record = recordKind(name, bytes, hashOf(`${bytes} ${shape}`), pool);
  return Object.freeze({ ...record, ...placed }) as Layout<F>;
}

/** A kind of record without its fields. @param shape a number that differs where they are laid out differently */
export function recordKind(name: string, bytes: number, shape: number, pool?: number): RecordKind {
  const kind = registerKind(name, shape);
  return Object.freeze({
    layoutName: name,
    bytes,
    allocate(memory, extra = 0) {
      const record =
        pool === undefined ? allocate(memory, bytes + extra) : allocatePooled(memory, pool, bytes);
      if (record === 0) return 0;
      memory.code.clear(record | 0, bytes + extra);
      countMade(memory, kind);
      return record;
    },
    free(memory, record, extra = 0) {
      countFreed(memory, kind);
      if (pool === undefined) free(memory, record, bytes + extra);
      else freePooled(memory, pool, record);
    },
  } satisfies RecordKind);
}
