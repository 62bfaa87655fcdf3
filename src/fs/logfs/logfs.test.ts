import assert from "node:assert/strict";
import test from "node:test";
import { KernelMachine } from "../../../tests/support/kernel-machine.ts";
import { FileModel } from "../../../tests/support/kernel-model.ts";
import { Random } from "../../../tests/support/kernel-random.ts";
import { describeTree, MemoryLog } from "../../../tests/support/log-store.ts";
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import { Parker } from "../../shm/index.ts";
import { Mount, numberMount, Open, Times } from "../../vfs/index.ts";
import { TmpfsTree } from "../tmpfs/tree.ts";
import { createLogfs, destroyLogfs, installLogfs, Journal, Keeper, LogError } from "./index.ts";

const { read, write, create, truncate } = Open;

/** Lets a log become longer than its image by some bytes. */
const isLonger = (gain: number) => (end: number, imageEnd: number) => end > imageEnd + gain;

/** A machine whose root is kept in a store. */
class Kept {
  readonly machine: KernelMachine;
  readonly mount: number;
  readonly keeper: Keeper;
  readonly journal: number;
  readonly failures: unknown[] = [];
  now = 1_700_000_000_000;
  /** Of who waits for the keeper. */
  readonly parker: number;
  private readonly ownRoot: number;

  /** @param gain bytes by which a log becomes longer than its image before there is another */
  constructor(logs: readonly [MemoryLog, MemoryLog], gain?: number) {
    // A clock that stands still in a call, so that all times of a change are one.
    const machine = KernelMachine.create({}, () => this.now);
    const { memory, vfs } = machine;
    this.machine = machine;
    this.ownRoot = machine.root;
    this.parker = Parker.allocate(memory);
    installLogfs(vfs);
    const made = createLogfs(vfs, [logs[0].bytes(), logs[1].bytes()])!;
    this.mount = made.mount;
    numberMount(memory, machine.mounts, made.mount);
    machine.root = Mount.root.get(memory, made.mount);
    const isLong = gain === undefined ? undefined : isLonger(gain);
    const onFailure = (cause: unknown) => void this.failures.push(cause);
    this.keeper = new Keeper(vfs, made.mount, logs, made.state, onFailure, isLong);
    this.journal = TmpfsTree.journal.get(memory, Mount.state.get(memory, made.mount));
  }

  get tree(): string {
    return describeTree(this.machine, this.mount);
  }

  /** Ends the machine, with all in the store or as the keeper left it. */
  end(closes = true): void {
    const { journal, keeper, machine, mount } = this;
    if (closes) {
      Journal.isClosing.store(machine.memory, journal, 1);
      keeper.serve();
    } else keeper.abandon();
    machine.root = this.ownRoot;
    Parker.free(machine.memory, this.parker);
    destroyLogfs(machine.vfs, mount);
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  }
}

const newLogs = (): [MemoryLog, MemoryLog] => [new MemoryLog(), new MemoryLog()];

/** Logs that hold the bytes of others. */
function copyLogs(bytes: readonly Uint8Array[]): [MemoryLog, MemoryLog] {
  const logs = newLogs();
  for (const [index, log] of logs.entries()) {
    if (bytes[index].length > 0) log.write(bytes[index], { at: 0 });
  }
  return logs;
}

/** The one log that is in use. */
function contentOf(logs: readonly [MemoryLog, MemoryLog]): Uint8Array {
  const [bytes, ...others] = logs.map((log) => log.bytes()).filter(({ length }) => length > 0);
  assert.deepEqual(others, []);
  return bytes;
}

/** What a store holds, as the next machine sees it. */
function treeIn(logs: readonly [MemoryLog, MemoryLog]): string {
  const kept = new Kept(logs);
  const { tree } = kept;
  kept.end(false);
  return tree;
}

test("files of every kind are there again, with their numbers, links, times and holes", () => {
  const logs = newLogs();
  const first = new Kept(logs);
  const { machine } = first;
  machine.makeDirectory("/dir");
  machine.put("/dir/file", "content");
  machine.link("/dir/file", "/other name");
  machine.symlink("dir/file", "/link");
  machine.link("/link", "/same link");
  machine.put("/large", new Uint8Array(300_000).fill(7));
  const sparse = machine.open("/sparse", write | create);
  machine.write(sparse, "end", 2 ** 25);
  machine.truncate(sparse, 2 ** 26);
  const times = Object.assign(new Times(), { setModified: true, modifiedLow: 5, modifiedHigh: 6 });
  machine.vfs.operationsOf(sparse).setTimes(machine.vfs, sparse, times);
  machine.close(sparse);
  machine.put("/replaced", "old");
  machine.rename("/other name", "/replaced");
  machine.makeDirectory("/gone");
  machine.removeDirectory("/gone");
  const { tree } = first;
  first.end();
  assert.ok(contentOf(logs).length < 400_000, "holes take no room");
  assert.ok(logs[0].isClosed && logs[1].isClosed);

  const second = new Kept(logs);
  assert.equal(second.tree, tree);
  assert.equal(second.machine.text("/link"), "content");
  assert.equal(second.machine.text("/replaced"), "content");
  // And goes on from there: with numbers that nothing has.
  second.machine.put("/new", "after");
  const changed = second.tree;
  second.end();
  assert.equal(treeIn(logs), changed);
});

test("a file that lost its name is gone with the machine, whatever was written to it", () => {
  const logs = newLogs();
  const kept = new Kept(logs, 0);
  const { machine } = kept;
  const file = machine.open("/f", read | write | create);
  machine.write(file, "before");
  machine.unlink("/f");
  machine.write(file, "after");
  kept.keeper.turn();
  // The image that was made meanwhile knows nothing of it.
  machine.write(file, "once more");
  machine.truncate(file, 3);
  machine.put("/g", "");
  kept.keeper.turn();
  assert.deepEqual(machine.read(file, 10, 0), new TextEncoder().encode("bef"));
  machine.close(file);
  const { tree } = kept;
  kept.end();
  assert.equal(treeIn(logs), tree);
});

for (let seed = 1; seed <= 4; seed++) {
  test(`whenever a tab is closed, the store holds what the files were: seed ${seed}`, () => {
    const random = new Random(seed);
    const logs = newLogs();
    const kept = new Kept(logs, 2_000);
    const { keeper, machine } = kept;
    const model = new FileModel(machine, seed);
    keeper.turn();
    /** The tree after each step; and the step from which on all is safe. */
    const trees = [kept.tree];
    let safe = 0;
    const step = () => {
      kept.now++;
      model.step();
      trees.push(kept.tree);
    };
    /** A tab that is closed now, or after a part of what is to be written. */
    const closeTab = (log: MemoryLog | undefined, bytes: Uint8Array, at: number) => {
      const left = copyLogs(logs.map((one) => one.bytes()));
      if (log !== undefined) {
        const torn = bytes.slice(0, random.below(bytes.length + 1));
        if (torn.length > 0) left[log === logs[0] ? 0 : 1].write(torn, { at });
      }
      const index = trees.lastIndexOf(treeIn(left));
      assert.ok(index >= safe, `found the state after step ${index}, and ${safe} was safe`);
    };
    let generations = 0;
    const errors: unknown[] = [];
    for (const log of logs) {
      log.onWrite = (bytes, at) => {
        try {
          if (random.oneIn(3)) closeTab(log, bytes, at);
          // Programs go on while the keeper writes.
          if (random.oneIn(3)) step();
        } catch (error) {
          // The keeper must not take it for a failure of the store.
          errors.push(error);
        }
        if (at === 0) generations++;
      };
    }
    while (trees.length < 300 && errors.length === 0) {
      for (let count = random.below(12); count > 0; count--) step();
      const steps = trees.length - 1;
      if (random.oneIn(3)) {
        // As `fsync` asks.
        Journal.wanted.store(machine.memory, kept.journal, 2 ** 30);
        keeper.turn();
        Journal.wanted.store(machine.memory, kept.journal, 0);
        safe = steps;
      } else keeper.turn();
    }
    if (errors.length > 0) throw errors[0];
    assert.deepEqual(kept.failures, []);
    for (const log of logs) log.onWrite = () => {};
    closeTab(undefined, new Uint8Array(0), 0);
    assert.ok(generations >= 3, `only ${generations} images were made`);
    model.finish();
    const { tree } = kept;
    kept.end();
    assert.equal(treeIn(logs), tree);
  });
}

test("a store that is full takes what removes, tells why, and goes on when it has room", () => {
  const logs = newLogs();
  const kept = new Kept(logs);
  const { keeper, machine } = kept;
  const { memory } = machine;
  machine.put("/a", new Uint8Array(50_000));
  keeper.turn();
  for (const log of logs) log.limit = 60_000;
  const file = machine.open("/a", read | write);
  assert.equal(machine.write(file, new Uint8Array(20_000), 50_000), 20_000, "not known yet");
  keeper.turn();
  assert.deepEqual(
    kept.failures.map((cause) => (cause as Error).name),
    ["QuotaExceededError"],
  );
  assert.equal(machine.write(file, "x"), -Errno.ENOSPC);
  assert.equal(machine.open("/b", write | create), -Errno.ENOSPC);
  assert.equal(machine.makeDirectory("/d"), -Errno.ENOSPC);
  assert.equal(machine.truncate(file, 80_000), -Errno.ENOSPC);
  assert.equal((machine.read(file, 70_000, 0) as Uint8Array).length, 70_000);
  keeper.turn();
  assert.equal(kept.failures.length, 1, "told once");
  assert.equal(machine.truncate(file, 10_000), 0, "an image of it finds room");
  keeper.turn();
  assert.equal(Journal.failure.load(memory, kept.journal), 0);
  assert.equal(machine.write(file, "back"), 4);
  machine.close(file);
  const { tree } = kept;
  kept.end();
  assert.equal(treeIn(logs), tree);
});

test("an image that finds no room leaves the log as it is", () => {
  const logs = newLogs();
  const kept = new Kept(logs, 0);
  const { keeper, machine } = kept;
  keeper.turn();
  const other = logs[0].getSize() === 0 ? logs[0] : logs[1];
  other.limit = 0;
  for (let index = 0; index < 10; index++) {
    machine.put("/a", new Uint8Array(10_000));
    keeper.turn();
  }
  assert.deepEqual(kept.failures, []);
  const { tree } = kept;
  kept.end();
  assert.ok(contentOf(logs).length > 100_000);
  assert.equal(treeIn(logs), tree);
});

test("logs that are damaged are refused, and nothing of them is changed", () => {
  const logs = newLogs();
  const kept = new Kept(logs);
  kept.keeper.turn();
  kept.machine.put("/a", "text");
  kept.end();
  const bytes = contentOf(logs);
  const open = (...content: [Uint8Array, Uint8Array]) => {
    const machine = KernelMachine.create();
    installLogfs(machine.vfs);
    try {
      const made = createLogfs(machine.vfs, content)!;
      destroyLogfs(machine.vfs, made.mount);
      return made.state.end;
    } finally {
      assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
    }
  };
  const none = new Uint8Array(0);
  assert.equal(open(bytes, none), bytes.length);
  assert.equal(open(none, bytes), bytes.length);
  assert.equal(open(bytes.slice(0, 30), none), 0, "the very first write was cut off");
  const damaged = bytes.slice();
  damaged[9] ^= 1;
  assert.throws(() => open(damaged, none), LogError);
  assert.throws(() => open(none, new Uint8Array(1000).fill(3)), LogError);
  // Damage further on cuts off what follows it.
  const later = bytes.slice();
  later[bytes.length - 1] ^= 1;
  const end = open(later, none);
  assert.ok(end > 0 && end < bytes.length);
});

test("files for which the kernel heap has no room are refused", () => {
  const logs = newLogs();
  const kept = new Kept(logs);
  for (let index = 0; index < 4; index++) kept.machine.put(`/${index}`, new Uint8Array(2 ** 20));
  kept.end();
  const machine = KernelMachine.create({ limit: 2 ** 21 });
  installLogfs(machine.vfs);
  assert.throws(() => createLogfs(machine.vfs, [logs[0].bytes(), logs[1].bytes()]), {
    name: "LogSpaceError",
  });
  assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
});

test("opening with truncation is kept like any other change", () => {
  const logs = newLogs();
  const kept = new Kept(logs);
  const { machine } = kept;
  machine.put("/a", "some text");
  machine.close(machine.open("/a", write | truncate));
  assert.equal(machine.text("/a"), "");
  const { tree } = kept;
  kept.end();
  assert.equal(treeIn(logs), tree);
});

test("what is written through is safe when the call returns", () => {
  const logs = newLogs();
  const kept = new Kept(logs);
  const { keeper, machine } = kept;
  let sleeps = 0;
  machine.vfs.sleeper = {
    parker: kept.parker,
    sleepWhile(waits) {
      while (waits()) {
        sleeps++;
        keeper.turn();
      }
      return true;
    },
  };
  const file = machine.open("/f", write | create, Fdflags.DSYNC);
  machine.write(file, "written through");
  assert.equal(sleeps, 1);
  assert.ok(treeIn(logs).includes("/f"));
  assert.equal(machine.vfs.operationsOf(file).sync(machine.vfs, file, true), 0);
  assert.equal(sleeps, 1, "nothing was left to be written");
  machine.close(file);
  // Who cannot wait is told so.
  machine.vfs.sleeper = undefined;
  machine.put("/g", "");
  const directory = machine.open("/", read);
  assert.equal(
    machine.vfs.operationsOf(directory).sync(machine.vfs, directory, false),
    -Errno.ENOTSUP,
  );
  machine.close(directory);
  kept.end();
});

test("what a torn batch has left is cut off before anything is written", () => {
  const logs = newLogs();
  const first = new Kept(logs);
  first.keeper.turn();
  const size = contentOf(logs).length;
  first.machine.put("/a", new Uint8Array(50_000));
  first.end();
  const torn = copyLogs([contentOf(logs).slice(0, -1), new Uint8Array(0)]);
  const second = new Kept(torn);
  assert.deepEqual(second.machine.names("/"), []);
  second.keeper.turn();
  assert.equal(contentOf(torn).length, size);
  second.machine.put("/b", "");
  const { tree } = second;
  second.end();
  assert.equal(treeIn(torn), tree);
});
