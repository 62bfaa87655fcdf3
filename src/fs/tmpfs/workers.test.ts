import assert from "node:assert/strict";
import test from "node:test";
import { KernelMachine } from "../../../tests/support/kernel-machine.ts";
import { runJob } from "../../../tests/support/kernel-workers.ts";

const RECORD = 240;
const WORKERS = [1, 2, 3, 4];

test("records that workers append to one file are all there, whole and in each one's order", async () => {
  const machine = KernelMachine.create();
  const { memory, mounts } = machine;
  const pages = memory.pages;
  const times = 10_000;
  await Promise.all(
    WORKERS.map((number) => runJob(memory, "appendRecords", { mounts, number, times })),
  );
  const log = machine.open("/log", 1);
  const bytes = machine.read(log, RECORD * times * WORKERS.length) as Uint8Array;
  assert.deepEqual(machine.read(log, 1), new Uint8Array(0));
  machine.close(log);
  assert.equal(bytes.length, RECORD * times * WORKERS.length);
  const next = new Map(WORKERS.map((number) => [number, 0]));
  const words = new Uint32Array(bytes.buffer);
  for (let record = 0; record < bytes.length / RECORD; record++) {
    const number = bytes[record * RECORD];
    for (let at = 0; at < RECORD; at++) {
      if (at >= 4 && at < 8) continue;
      if (bytes[record * RECORD + at] !== number) assert.fail(`record ${record} is torn at ${at}`);
    }
    if (words[(record * RECORD) / 4 + 1] !== next.get(number)) {
      assert.fail(
        `record ${record}: ${words[(record * RECORD) / 4 + 1]} instead of ${next.get(number)}`,
      );
    }
    next.set(number, words[(record * RECORD) / 4 + 1] + 1);
  }
  assert.ok(memory.pages > pages, "the heap has grown meanwhile");
  assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
});

for (const seed of [1, 2]) {
  test(`random operations of workers on one tree leave it sound: seed ${seed}`, async () => {
    const machine = KernelMachine.create();
    const { memory, mounts } = machine;
    for (const path of ["/a", "/b", "/a/c", "/a/c/d", "/b/a"]) machine.makeDirectory(path);
    const worked = await Promise.all(
      WORKERS.map((number) =>
        runJob(memory, "disturbTree", { mounts, seed: seed * 100 + number, times: 8_000 }),
      ),
    );
    for (const count of worked) assert.ok(count > 500, `only ${count} operations worked`);
    memory.refreshIfGrown();
    countLinks(machine, "", new Map());
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  });
}

/** Walks the whole tree and checks that each directory counts its subdirectories, and each file the names seen so far at most. */
function countLinks(machine: KernelMachine, path: string, seen: Map<number, number>): void {
  const file = machine.open(path === "" ? "/" : path, 1);
  const listed = machine.list(file);
  machine.close(file);
  assert.ok(typeof listed !== "number");
  assert.equal(new Set(listed.map((entry) => entry.name)).size, listed.length);
  let directories = 0;
  for (const entry of listed.slice(2)) {
    const stat = machine.statOf(`${path}/${entry.name}`, false);
    assert.ok(typeof stat !== "number");
    assert.equal(stat.inodeLow, entry.inode);
    if (entry.type === 3) {
      directories++;
      countLinks(machine, `${path}/${entry.name}`, seen);
    } else {
      seen.set(entry.inode, (seen.get(entry.inode) ?? 0) + 1);
      assert.ok((seen.get(entry.inode) ?? 0) <= stat.links);
    }
  }
  const own = machine.statOf(path === "" ? "/" : path);
  assert.equal((own as { links: number }).links, directories + 2, path);
}
