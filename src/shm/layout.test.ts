import assert from "node:assert/strict";
import test from "node:test";
import {
  address,
  atomic32,
  block,
  f64,
  KernelMemory,
  KernelPanic,
  layout,
  mutex,
  Rank,
  readLedger,
  u32,
  u64,
  usedBytes,
} from "./index.ts";

const Sample = layout("LayoutTestSample", {
  first: u32,
  wide: f64,
  count: atomic32,
  time: u64,
  lock: mutex(Rank.Pipe),
  room: block(20, 16),
  last: address,
});

test("fields are aligned, in order, and do not overlap", () => {
  const { first, wide, count, time, lock, room, last } = Sample;
  const offsets = [first, wide, count, time, lock, room, last].map((field) => field.offset);
  assert.deepEqual(offsets, [0, 8, 16, 20, 28, 32, 52]);
  assert.equal(Sample.bytes, 56);
});

test("a record begins with zeros and keeps what is set", () => {
  const memory = KernelMemory.create(true);
  for (let round = 0; round < 2; round++) {
    const record = Sample.allocate(memory, 40);
    assert.ok(memory.u8.subarray(record, record + Sample.bytes + 40).every((byte) => byte === 0));
    Sample.first.set(memory, record, 0xfffffff0);
    Sample.wide.set(memory, record, 2 ** 53);
    Sample.time.set(memory, record, 0xffffffff, 0x80000000);
    assert.equal(Sample.count.add(memory, record, 5), 0);
    assert.equal(Sample.count.compareExchange(memory, record, 5, -1), 5);
    Sample.last.set(memory, record, 7);
    assert.equal(Sample.first.get(memory, record), 0xfffffff0);
    assert.equal(Sample.wide.get(memory, record), 2 ** 53);
    assert.equal(Sample.time.low(memory, record), 0xffffffff);
    assert.equal(Sample.time.high(memory, record), 0x80000000);
    assert.equal(Sample.count.load(memory, record), -1);
    assert.equal(Sample.last.get(memory, record), 7);
    memory.u8.fill(9, Sample.room.at(record), Sample.room.at(record) + 20);
    assert.equal(Sample.last.get(memory, record), 7);
    assert.equal(Sample.time.high(memory, record), 0x80000000);
    Sample.free(memory, record, 40);
  }
  assert.equal(usedBytes(memory), 0);
});

test("the ledger counts live records by kind", () => {
  const memory = KernelMemory.create(true);
  const records = [Sample.allocate(memory), Sample.allocate(memory)];
  assert.deepEqual(readLedger(memory), { LayoutTestSample: 2 });
  for (const record of records) Sample.free(memory, record);
  assert.deepEqual(readLedger(memory), {});
  assert.throws(() => Sample.free(memory, records[0]), /LayoutTestSample freed once too often/);
});

test("a kind with a pool keeps its memory and the first word of free records", () => {
  const Pooled = layout("LayoutTestPooled", { refs: atomic32, other: u32 }, 7);
  const memory = KernelMemory.create(true);
  const records = [1, 2, 3].map(() => Pooled.allocate(memory));
  for (const record of records) Pooled.free(memory, record);
  for (const record of records) assert.equal(Pooled.refs.load(memory, record), 0);
  const general = layout("LayoutTestGeneral", { word: u32, other: u32 }).allocate(memory);
  assert.ok(!records.includes(general));
  const again = [1, 2, 3].map(() => Pooled.allocate(memory));
  assert.deepEqual(again, records.toReversed());
});

test("a field cannot hide what every layout has", () => {
  assert.throws(() => layout("LayoutTestBad", { bytes: u32 }), KernelPanic);
});
