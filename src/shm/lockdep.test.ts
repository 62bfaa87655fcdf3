import assert from "node:assert/strict";
import test from "node:test";
import {
  KernelMemory,
  KernelPanic,
  layout,
  LockOrder,
  mutex,
  park,
  Parker,
  Rank,
} from "./index.ts";

const Low = layout("LockOrderTestLow", { lock: mutex(Rank.Process) });
const High = layout("LockOrderTestHigh", { lock: mutex(Rank.Inode) });

function make() {
  const lockOrder = new LockOrder();
  const memory = KernelMemory.create(true, { lockOrder });
  const low = Low.allocate(memory);
  const high = High.allocate(memory);
  return { lockOrder, memory, low, high };
}

test("locks taken up the ladder are fine, let go of in any order", () => {
  const { lockOrder, memory, low, high } = make();
  Low.lock.acquire(memory, low);
  High.lock.acquire(memory, high);
  Low.lock.release(memory, low);
  High.lock.release(memory, high);
  High.lock.acquire(memory, high);
  High.lock.release(memory, high);
  lockOrder.mustBeEmpty("test");
});

test("a lock taken down the ladder stops the machine and shows both places", () => {
  const { memory, low, high } = make();
  function takesHigh() {
    High.lock.acquire(memory, high);
  }
  takesHigh();
  assert.throws(
    () => Low.lock.acquire(memory, low),
    (error: Error) => {
      assert.ok(error instanceof KernelPanic);
      assert.match(error.message, /LockOrderTestLow\.lock \(rank 20\)/);
      assert.match(error.message, /LockOrderTestHigh\.lock \(rank 70\)/);
      assert.match(error.message, /takesHigh/);
      return true;
    },
  );
});

test("two locks of one rank stop the machine", () => {
  const { memory, high } = make();
  High.lock.acquire(memory, high);
  const other = High.allocate(memory);
  assert.throws(() => High.lock.acquire(memory, other), KernelPanic);
});

test("sleeping with a lock held stops the machine", () => {
  const { memory, low } = make();
  const parker = Parker.allocate(memory);
  Low.lock.acquire(memory, low);
  assert.throws(() => park(memory, parker, 1), /park: lock LockOrderTestLow\.lock is still held/);
});

test("letting go of a lock that is not held stops the machine", () => {
  const { memory, low } = make();
  assert.throws(() => Low.lock.release(memory, low), /let go of but not held/);
});

test("a lock taken by an agent that may be ended meanwhile stops the machine", () => {
  const { lockOrder, memory, low } = make();
  let isInGuest = false;
  lockOrder.mayLock = () => !isInGuest;
  Low.lock.acquire(memory, low);
  Low.lock.release(memory, low);
  isInGuest = true;
  assert.throws(() => Low.lock.acquire(memory, low), /LockOrderTestLow\.lock taken by an agent/);
});
