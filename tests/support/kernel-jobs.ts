/** What workers do in tests: see `kernel-workers.ts`. */
import assert from "node:assert/strict";
import { Filetype } from "../../src/abi/enums.ts";
import { Errno } from "../../src/abi/errno.ts";
import { Fdflags } from "../../src/abi/flags.ts";
import {
  acquireLock,
  allocate,
  free,
  hushBell,
  type KernelMemory,
  park,
  Parker,
  pushReady,
  releaseLock,
  subscribe,
  takeReady,
  unpark,
  unsubscribe,
  waitForBell,
  WaitEntry,
  wakeQueue,
} from "../../src/shm/index.ts";
import { countCarriers } from "../../src/threads/carrier-orders.ts";
import { joinCrew } from "../../src/threads/crew.ts";
import { Crew } from "../../src/threads/crew-records.ts";
import { Open } from "../../src/vfs/index.ts";
import { KernelMachine } from "./kernel-machine.ts";
import { Random } from "./kernel-random.ts";

/** Longest sleep of a test: a lost wake-up shows as a failure instead of a hang. */
const PATIENCE = 20_000;

/** Adds one to a plain word under a lock, many times. */
export function addUnderLock(
  memory: KernelMemory,
  { lock, word, times }: { lock: number; word: number; times: number },
): void {
  for (let count = 0; count < times; count++) {
    acquireLock(memory, lock);
    const seen = memory.u32[word >>> 2];
    // Some sections are long enough for others to stop spinning and sleep.
    if (count % 500 === 0) for (let spin = 0; spin < 20_000; spin++) memory.u32[word >>> 2] = seen;
    memory.u32[word >>> 2] = seen + 1;
    releaseLock(memory, lock);
  }
}

/** Allocates, fills, checks and frees blocks of random sizes. */
export function allocateRandomly(
  memory: KernelMemory,
  { seed, times }: { seed: number; times: number },
): void {
  const random = new Random(seed);
  const held: { block: number; bytes: number; mark: number }[] = [];
  const give = (index: number) => {
    const { block, bytes, mark } = held[index];
    memory.refreshIfGrown();
    for (let at = block; at < block + bytes; at++) {
      if (memory.u8[at] !== mark) assert.fail(`seed ${seed}: byte ${at} of ${block} changed`);
    }
    free(memory, block, bytes);
    held[index] = held[held.length - 1];
    held.pop();
  };
  for (let count = 0; count < times; count++) {
    if (held.length > 200 || (held.length > 0 && random.oneIn(2))) give(random.below(held.length));
    else {
      const bytes = 1 + random.below(random.oneIn(20) ? 70_000 : 300);
      const block = allocate(memory, bytes);
      assert.ok(block !== 0 && block % 32 === 0);
      const mark = random.below(256);
      memory.u8.fill(mark, block, block + bytes);
      held.push({ block, bytes, mark });
    }
  }
  while (held.length > 0) give(held.length - 1);
}

/** Large blocks of which only the end is touched: the heap grows often, the host's memory does not. */
const GROWTH = 2 ** 21;

/** Allocates large blocks one by one; shows each under a lock and waits until the follower has seen its end. */
export function growHeap(
  memory: KernelMemory,
  { lock, times }: { lock: number; times: number },
): void {
  const word = lock >>> 2;
  for (let count = 1; count <= times; count++) {
    const block = allocate(memory, GROWTH);
    assert.ok(block !== 0);
    memory.u8[block + GROWTH - 1] = count;
    acquireLock(memory, lock);
    memory.u32[word + 1] = block;
    memory.u32[word + 2] = count;
    releaseLock(memory, lock);
    while (Atomics.load(memory.u32, word + 3) !== count);
  }
}

/** Looks at the end of each block that `growHeap` shows, at once. */
export function followGrowth(
  memory: KernelMemory,
  { lock, times }: { lock: number; times: number },
): void {
  const word = lock >>> 2;
  for (let count = 1; count <= times; count++) {
    for (let seen = 0; seen !== count;) {
      acquireLock(memory, lock);
      seen = memory.u32[word + 2];
      const mark = memory.u8[memory.u32[word + 1] + GROWTH - 1];
      releaseLock(memory, lock);
      if (seen === count && mark !== (count & 255))
        assert.fail(`block ${count} is not seen: ${mark}`);
    }
    Atomics.store(memory.u32, word + 3, count);
  }
}

/** Passes a turn back and forth with another worker, each asleep in between. */
export function passTurns(
  memory: KernelMemory,
  {
    own,
    other,
    word,
    first,
    times,
  }: { own: number; other: number; word: number; first: boolean; times: number },
): void {
  const parity = first ? 0 : 1;
  for (let turn = parity; turn < times; turn += 2) {
    while (Atomics.load(memory.i32, word >>> 2) !== turn) {
      assert.ok(park(memory, own, PATIENCE), `turn ${turn} never came`);
    }
    Atomics.store(memory.i32, word >>> 2, turn + 1);
    unpark(memory, other);
  }
}

/** Takes `times` items from a count, sleeping in a wait queue while there are none. */
export function takeItems(
  memory: KernelMemory,
  { queue, items, times, mask }: { queue: number; items: number; times: number; mask: number },
): number {
  const parker = Parker.allocate(memory);
  const entry = WaitEntry.allocate(memory);
  const word = items >>> 2;
  const tryTake = () => {
    for (;;) {
      const seen = Atomics.load(memory.i32, word);
      if (seen === 0) return false;
      if (Atomics.compareExchange(memory.i32, word, seen, seen - 1) === seen) return true;
    }
  };
  for (let taken = 0; taken < times; taken++) {
    if (tryTake()) continue;
    subscribe(memory, queue, entry, parker, mask);
    while (!tryTake()) assert.ok(park(memory, parker, PATIENCE), `item ${taken} never came`);
    unsubscribe(memory, entry);
  }
  WaitEntry.free(memory, entry);
  Parker.free(memory, parker);
  return times;
}

/** Adds items one by one and wakes who waits. */
export function giveItems(
  memory: KernelMemory,
  { queue, items, times, mask }: { queue: number; items: number; times: number; mask: number },
): void {
  for (let given = 0; given < times; given++) {
    Atomics.add(memory.i32, items >>> 2, 1);
    wakeQueue(memory, queue, mask);
  }
}

/** Pushes parkers on a ready queue, each once more whenever its word says that it was taken. */
export function pushParkers(
  memory: KernelMemory,
  { queue, parkers, times }: { queue: number; parkers: number[]; times: number },
): void {
  const left = parkers.map(() => times);
  while (left.some((count) => count > 0)) {
    for (const [index, parker] of parkers.entries()) {
      // The word is 0 while the parker is not in the queue.
      if (left[index] === 0 || Parker.word.compareExchange(memory, parker, 0, 1) !== 0) continue;
      left[index]--;
      pushReady(memory, queue, parker);
    }
  }
}

/** Takes pushed parkers as a carrier does; gives how often each came. */
export function carryParkers(
  memory: KernelMemory,
  { queue, total }: { queue: number; total: number },
): Map<number, number> {
  const came = new Map<number, number>();
  for (let taken = 0; taken < total;) {
    hushBell(memory, queue);
    let parker = takeReady(memory, queue);
    if (parker === 0) {
      waitForBell(memory, queue, PATIENCE);
      continue;
    }
    while (parker !== 0) {
      const next = Parker.readyNext.get(memory, parker);
      came.set(parker, (came.get(parker) ?? 0) + 1);
      taken++;
      Parker.word.store(memory, parker, 0);
      parker = next;
    }
  }
  return came;
}

/** Bytes of a record in the log. */
const RECORD = 240;

/** Appends records to a shared log: in each the worker's number and a count. */
export function appendRecords(
  memory: KernelMemory,
  { mounts, number, times }: { mounts: number; number: number; times: number },
): void {
  const machine = KernelMachine.attach(memory, mounts);
  const log = machine.open("/log", Open.write | Open.create, Fdflags.APPEND);
  assert.ok(log > 0);
  const record = new Uint8Array(RECORD).fill(number);
  const words = new Uint32Array(record.buffer);
  for (let count = 0; count < times; count++) {
    words[1] = count;
    assert.equal(machine.write(log, record), RECORD);
  }
  machine.close(log);
}

/**
 * Random operations on a tree that other workers change at the same time. Answers can only be checked to be possible; but what one call wrote is
 * seen whole or not at all, and a directory lists no name twice.
 */
export function disturbTree(
  memory: KernelMemory,
  {
    mounts,
    seed,
    times,
    root,
  }: { mounts: number; seed: number; times: number; root?: number | undefined },
): number {
  const machine = KernelMachine.attach(memory, mounts, root);
  const random = new Random(seed);
  const open: number[] = [];
  const { ENOENT, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EPERM, ELOOP, EBUSY } = Errno;
  const list: number[] = [ENOENT, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EPERM, ELOOP, EBUSY];
  // Layers refuse to rename what lies in the lower one.
  if (root !== undefined) list.push(Errno.EXDEV);
  const possible = new Set<number>(list.map((errno) => -errno));
  let worked = 0;
  const check = (what: string, answer: number) => {
    if (answer >= 0) worked++;
    else assert.ok(possible.has(answer), `seed ${seed}: ${what} answered ${answer}`);
    return answer;
  };
  const path = () => {
    let text = "";
    do text += `/${random.pick(["a", "b", "c", "d", "..", "link"])}`;
    while (!random.oneIn(2));
    return text;
  };
  /** Sizes at which the form of a file's bytes changes. */
  const size = () => random.pick([1, 64, 1000, 65_536, 65_537, 200_000]);
  const steps = [
    () => {
      const flags = random.oneIn(2) ? Fdflags.APPEND : 0;
      const request = Open.read | Open.write | Open.create | (random.oneIn(4) ? Open.truncate : 0);
      const file = check("open", machine.open(path(), request, flags));
      if (file > 0) open.push(file);
    },
    () => {
      if (open.length > 0) machine.close(open.splice(random.below(open.length), 1)[0]);
    },
    () => {
      if (open.length === 0) return;
      // All that anybody writes at 0 is one byte value throughout.
      const bytes = new Uint8Array(64).fill(1 + random.below(255));
      assert.equal(machine.write(random.pick(open), bytes, 0), 64);
    },
    () => {
      if (open.length === 0) return;
      const bytes = machine.read(random.pick(open), 64, 0);
      assert.ok(typeof bytes !== "number");
      // Truncating may leave part of it; what follows is zero then.
      const first = bytes[0];
      const rest = bytes.findIndex((byte) => byte !== first);
      const whole = rest < 0 || bytes.subarray(rest).every((byte) => byte === 0);
      assert.ok(whole, `seed ${seed}: torn write: ${bytes.join()}`);
    },
    () => {
      if (open.length === 0) return;
      check("write", machine.write(random.pick(open), new Uint8Array(64), 64 + size()));
    },
    () => {
      if (open.length > 0) check("truncate", machine.truncate(random.pick(open), size() - 1));
    },
    () => check("makeDirectory", machine.makeDirectory(path())),
    () => check("removeDirectory", machine.removeDirectory(path())),
    () => check("unlink", machine.unlink(path())),
    () => check("rename", machine.rename(path(), path())),
    () => check("rename", machine.rename(path(), path())),
    () => check("link", machine.link(path(), path())),
    () => check("symlink", machine.symlink(random.pick(["a", "../b", "/c/d", "link"]), path())),
    () => {
      const stat = machine.statOf(path());
      if (typeof stat === "number") check("stat", stat);
      else assert.ok(stat.type === Filetype.DIRECTORY || stat.type === Filetype.REGULAR_FILE);
    },
    () => {
      const file = check("open", machine.open(path(), Open.read | Open.directory));
      if (file < 0) return;
      const names = new Set<string>();
      for (let cookie = 0; ;) {
        const piece = machine.list(file, cookie, 3);
        if (typeof piece === "number") {
          check("list", piece);
          break;
        }
        if (piece.length === 0) break;
        for (const entry of piece) {
          assert.ok(entry.cookie > cookie, "cookies ascend");
          cookie = entry.cookie;
        }
        names.add(piece[0].name);
        if (names.size > 200) break;
      }
      machine.close(file);
    },
  ];
  for (let count = 0; count < times; count++) random.pick(steps)();
  for (const file of open) machine.close(file);
  memory.lockOrder?.mustBeEmpty("disturbTree");
  return worked;
}

/** Joins a crew as one carrier after the other, until none is wanted any more, from when `countWhileJoined` looks on (`word`). */
export function joinOften(
  memory: KernelMemory,
  { crew, carrier, word }: { crew: number; carrier: number; word: number },
): void {
  while (Atomics.load(memory.i32, word >>> 2) === 0) continue;
  while (Crew.wanted.get(memory, crew) > 0) joinCrew(memory, crew, carrier, false);
}

/** Counts a crew's carriers until none is wanted any more. @returns the fewest and the most */
export function countWhileJoined(
  memory: KernelMemory,
  { crew, word }: { crew: number; word: number },
): { fewest: number; most: number } {
  Atomics.store(memory.i32, word >>> 2, 1);
  let fewest = Infinity;
  let most = 0;
  while (Crew.wanted.get(memory, crew) > 0) {
    const count = countCarriers(memory, crew, false);
    fewest = Math.min(fewest, count);
    most = Math.max(most, count);
  }
  return { fewest, most };
}
