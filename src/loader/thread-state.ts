/**
 * Thread state: what a thread has of an instance for itself, so that the threads of a shared carrier can do with one instance.
 *
 * The specification of threads gives each an instance of its own on the memory of all. What of it a thread can change is few words: the mutable globals
 * (stack pointer, thread-local base) and which data segments it dropped. So the rewriting appends functions that put those by in a memory of their own, which
 * the program cannot name, and put them back:
 *
 * - `save(place)` and `load(place)`, whenever another thread's stack is to run; a new thread begins with what a fresh instance has, saved at place 0;
 * - `begin(tid, argument)`: what the start section names, which each instance would run, then the thread's entry. The start section itself is taken out, so
 *   that nothing of the program runs before the first thread does, and a start function may wait as any other;
 * - dropped data segments are bits of a global (`segment-drops.ts`).
 *
 * Programs that change their tables, or hold references that could lead to more state, keep an instance for each thread.
 *
 * Life: `ThreadStateHelpers` while a program's code is rewritten, `ThreadStates` for each instance that threads share.
 */
import type { AppendedFunctions } from "./appended-functions.ts";
import { Opcode } from "./instructions.ts";
import type { ModuleSpaces } from "./module-spaces.ts";
import { addressType, MOST_SEGMENTS, SegmentDrops } from "./segment-drops.ts";
import type { ValueType } from "./wasm-types.ts";
import { encodeBody, encodeUnsigned, ValueByte } from "./wasm-writer.ts";

/** Exports of a rewritten program whose threads can share an instance, and the bytes that a thread's state takes. */
export interface ThreadStateExports {
  readonly memory: string;
  readonly save: string;
  readonly load: string;
  readonly begin: string;
  readonly bytes: number;
}

/** Bytes, load and store instructions of what a global may hold. */
const STORED: Readonly<Record<ValueType, { bytes: number; load: number[]; store: number[] }>> = {
  i32: { bytes: 4, load: [0x28], store: [0x36] },
  i64: { bytes: 8, load: [0x29], store: [0x37] },
  f32: { bytes: 4, load: [0x2a], store: [0x38] },
  f64: { bytes: 8, load: [0x2b], store: [0x39] },
  v128: { bytes: 16, load: [0xfd, 0x00], store: [0xfd, 0x0b] },
};

/** An alignment of 1, and that the number of a memory follows. */
const UNALIGNED_IN_MEMORY = 0x40;

/** Whether all that an instance of a module can change is its numbers: see above. What its code does is not looked at. */
export function hasPlainState(spaces: ModuleSpaces): boolean {
  return (
    spaces.memories.length === 1 &&
    spaces.importedMemories === 1 &&
    spaces.dataSegments <= MOST_SEGMENTS &&
    spaces.tables.every((element) => element === "funcref") &&
    spaces.globals.every(
      ({ type, mutable }) => type in STORED || (type === "funcref" && !mutable),
    ) &&
    spaces.exportedFunctions.has("wasi_thread_start")
  );
}

/** Gathers what a program of plain state needs, while its code is read. */
export class ThreadStateHelpers {
  /** The memory to append, of a page that can grow. */
  static readonly memory = [0, 1];
  readonly drops: SegmentDrops;

  /** @param dropped the index of the global to append for dropped segments */
  constructor(
    private readonly spaces: ModuleSpaces,
    private readonly functions: AppendedFunctions,
    private readonly dropped: number,
  ) {
    this.drops = new SegmentDrops(spaces, functions, dropped);
  }

  /** Appends what saves, loads and begins. Returns the indexes of those functions and the bytes of a state. */
  finish(): { save: number; load: number; begin: number; bytes: number } {
    const { functions, spaces } = this;
    const { i32 } = ValueByte;
    const memory = encodeUnsigned(spaces.memories.length);
    const save: number[] = [];
    const load: number[] = [];
    let bytes = 0;
    const add = (index: number, type: ValueType): void => {
      const stored = STORED[type];
      const global = encodeUnsigned(index);
      const place = [UNALIGNED_IN_MEMORY, ...memory, ...encodeUnsigned(bytes)];
      save.push(Opcode.localGet, 0, Opcode.globalGet, ...global, ...stored.store, ...place);
      load.push(Opcode.localGet, 0, ...stored.load, ...place, Opcode.globalSet, ...global);
      bytes += stored.bytes;
    };
    spaces.globals.forEach(({ type, mutable }, index) => {
      if (mutable) add(index, type);
    });
    if (this.drops.any) add(this.dropped, "i32");
    const entry = spaces.exportedFunctions.get("wasi_thread_start")!;
    const begin: number[] = [
      Opcode.localGet,
      0,
      Opcode.localGet,
      1,
      Opcode.call,
      ...encodeUnsigned(entry),
    ];
    if (spaces.start !== undefined) begin.unshift(Opcode.call, ...encodeUnsigned(spaces.start));
    const placeType = functions.addType([i32], []);
    const beginType = functions.addType([i32, addressType(spaces)], []);
    const first = functions.next;
    functions.add(placeType, encodeBody(save));
    functions.add(placeType, encodeBody(load));
    functions.add(beginType, encodeBody(begin));
    return { save: first, load: first + 1, begin: first + 2, bytes };
  }
}

/** The states of the threads that share an instance, in its appended memory. */
export class ThreadStates {
  private readonly memory: WebAssembly.Memory;
  private readonly free: number[] = [];
  private readonly bytes: number;
  private size: number;
  /** The end of the places that were given out so far. */
  private end: number;
  /** Puts the running thread's state by at a place. */
  readonly save: (place: number) => void;
  /** Puts it back. */
  readonly load: (place: number) => void;
  /** A thread's entry: `begin(tid, argument)`. */
  readonly begin: (tid: number, argument: number | bigint) => void;

  /** @param instance a fresh one, made by a program that was rewritten for it */
  constructor(
    readonly instance: WebAssembly.Instance,
    names: ThreadStateExports,
  ) {
    const { exports } = instance;
    this.memory = exports[names.memory] as WebAssembly.Memory;
    this.save = exports[names.save] as (place: number) => void;
    this.load = exports[names.load] as (place: number) => void;
    this.begin = exports[names.begin] as (tid: number, argument: number | bigint) => void;
    this.bytes = names.bytes;
    this.size = this.memory.buffer.byteLength;
    this.end = this.bytes;
    this.save(0);
  }

  /** A new thread: what a fresh instance has is in place. Returns where its state is to be put by. Throws where the host has no memory. */
  add(): number {
    const place = this.free.pop() ?? this.end;
    if (place === this.end) {
      if (place + this.bytes > this.size) {
        this.memory.grow(1);
        this.size = this.memory.buffer.byteLength;
      }
      this.end += this.bytes;
    }
    this.load(0);
    return place;
  }

  /** A thread is done with its place. */
  remove(place: number): void {
    this.free.push(place);
  }
}
