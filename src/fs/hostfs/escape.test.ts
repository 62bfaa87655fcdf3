/** The guest never leaves the mounted directory, however names change under it; and several workers share one mount. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Errno } from "../../abi/errno.ts";
import { KernelMemory, LockOrder } from "../../shm/index.ts";
import { addMount, Mount, Open } from "../../vfs/index.ts";
import { HostMount, hostMountOf } from "./directory.ts";
import {
  Machine,
  makeFixture,
  nameOf,
  type Fixture,
} from "../../../tests/support/hostfs-fixture.ts";
import { createHostfs, destroyHostfs } from "./index.ts";

const { read, write, create, exclusive, directory } = Open;

interface Work {
  role: "swap" | "walk";
  memory: WebAssembly.Memory;
  mounts: number;
  /** [0]: set to stop; [1]: workers that have begun. */
  words: Int32Array;
  directory: string;
  outside: string;
  /** What to walk, or files to share. */
  file: number;
}

function startWorker(
  machine: Fixture,
  role: Work["role"],
  words: Int32Array,
  file = 0,
): Promise<void> {
  const { memory, mounts, outside } = machine;
  const data: Work = {
    role,
    memory: memory.memory,
    mounts,
    words,
    directory: machine.directory,
    outside,
    file,
  };
  const worker = new Worker(new URL(import.meta.url), {
    workerData: data,
    trackUnmanagedFds: false,
  });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
  });
}

/** The host's side of an attack: keeps putting links to the outside where files and directories were. */
function swap({ words, directory: inside, outside }: Work): void {
  const at = (name: string) => path.join(inside, name);
  Atomics.add(words, 1, 1);
  while (Atomics.load(words, 0) === 0) {
    fs.renameSync(at("link-to-file"), at("secret"));
    fs.renameSync(at("file"), at("link-to-file"));
    fs.renameSync(at("secret"), at("file"));
    fs.renameSync(at("link-to-file"), at("secret"));
    fs.renameSync(at("file"), at("link-to-file"));
    fs.renameSync(at("secret"), at("file"));
    // Two names for the two things, exchanged by way of a third; the same for a directory.
    fs.renameSync(at("sub/deep"), at("sub/aside"));
    fs.symlinkSync(outside, at("sub/deep"));
    fs.rmSync(at("sub/deep"));
    fs.renameSync(at("sub/aside"), at("sub/deep"));
    // The held directory goes out of the mount and comes back.
    fs.renameSync(at("sub"), path.join(outside, "sub"));
    fs.renameSync(path.join(outside, "sub"), at("sub"));
  }
}

/** Walks, lists, makes and removes files along with other workers. */
function walk({ memory, mounts, words, file }: Work): void {
  const machine = new Machine(KernelMemory.attach(memory, true, new LockOrder()), mounts);
  const own = Atomics.add(words, 1, 1);
  for (let round = 0; round < 300; round++) {
    const target = `d${(own + round) % 80}`;
    const made = machine.open(`${target}/w${own}`, read | write | create | exclusive);
    assert.ok(made > 0, `${made}`);
    assert.equal(machine.write(made, `worker ${own}`), 8);
    assert.equal(machine.read(made, 20, 0), `worker ${own}`);
    machine.close(made);
    assert.equal(machine.readFile(`${target}/../${target}/w${own}`), `worker ${own}`);
    const inside = machine.enter(target);
    assert.equal(machine.driver.unlinkAt(machine.vfs, inside, nameOf(`w${own}`)), 0);
    machine.drop(inside);
    // One record of eight bytes through an open file that all share.
    assert.equal(machine.write(file, `line ${own}\n\n`.slice(0, 7) + "\n"), 8);
  }
}

if (!isMainThread) {
  const work = workerData as Work;
  if (work.role === "swap") swap(work);
  else walk(work);
} else {
  test("names that are swapped for links during a call do not lead outside", async () => {
    const machine = makeFixture();
    const at = (name: string) => path.join(machine.directory, name);
    fs.writeFileSync(at("file"), "ours");
    fs.symlinkSync(path.join(machine.outside, "secret"), at("link-to-file"));
    fs.mkdirSync(at("sub/deep/deeper"), { recursive: true });
    fs.writeFileSync(at("sub/deep/secret"), "ours");
    fs.writeFileSync(path.join(machine.outside, "sub-secret"), "secret");
    const words = new Int32Array(new SharedArrayBuffer(8));
    const deep = machine.enter("sub/deep");
    const done = startWorker(machine, "swap", words);
    while (Atomics.load(words, 1) === 0) await setTimeout(1);
    const seen = new Map<string, number>();
    const note = (what: string | number) => seen.set(`${what}`, (seen.get(`${what}`) ?? 0) + 1);
    for (let round = 0; round < 2000; round++) {
      note(machine.readFile("file"));
      note(machine.readFile("sub/deep/secret"));
      note(machine.readFile("../sub-secret", deep));
      note(machine.readFile("../../outside/secret", deep));
      note(machine.readFile("secret", deep));
      const made = machine.open("sub/deep/made", write | create);
      if (made > 0) machine.close(made);
      if (round % 100 === 0) await setImmediate();
    }
    Atomics.store(words, 0, 1);
    await done;
    assert.equal(seen.get("secret"), undefined, JSON.stringify([...seen]));
    assert.ok(seen.get("ours")! > 2000, JSON.stringify([...seen]));
    assert.ok(!fs.existsSync(path.join(machine.outside, "made")));
    machine.drop(deep);
    machine.end();
  });

  test("a directory that is renamed while it is held stays the same, and `..` is where it lies", () => {
    const machine = makeFixture();
    const at = (name: string) => path.join(machine.directory, name);
    fs.mkdirSync(at("a/b/c"), { recursive: true });
    fs.mkdirSync(at("x/y"), { recursive: true });
    fs.writeFileSync(at("a/b/c/file"), "ours");
    fs.writeFileSync(at("x/y/mark"), "y");
    fs.writeFileSync(path.join(machine.outside, "mark"), "outside");
    const c = machine.enter("a/b/c");
    fs.renameSync(at("a"), at("x/y/a"));
    assert.equal(machine.readFile("file", c), "ours");
    assert.equal(machine.readFile("../../../mark", c), "y");
    fs.renameSync(at("x/y/a/b/c"), at("x/y/c"));
    assert.equal(machine.readFile("../mark", c), "y");
    // A name that stands for another directory now leads to that one.
    fs.mkdirSync(at("a/b/c"), { recursive: true });
    assert.equal(machine.readFile("a/b/c/file"), -Errno.ENOENT);
    assert.equal(machine.readFile("x/y/c/file"), "ours");
    // Out of the mount: what is held stays, but above it is only the root.
    fs.renameSync(at("x/y/c"), path.join(machine.outside, "c"));
    assert.equal(machine.readFile("file", c), "ours");
    assert.equal(machine.readFile("../mark", c), -Errno.ENOENT);
    assert.equal(machine.readFile("../secret", c), -Errno.ENOENT);
    const above = machine.enter("..", c);
    assert.equal(above, machine.root);
    machine.drop(above);
    // And back, deeper than it was.
    fs.renameSync(path.join(machine.outside, "c"), at("x/c"));
    const x = machine.enter("..", c);
    assert.equal(machine.enter("x"), x);
    machine.drop(x);
    machine.drop(x);
    machine.drop(c);
    machine.end();
  });

  test("links, dots and slashes of all kinds stay inside", () => {
    for (const pins of [true, false]) {
      const machine = makeFixture({ pins });
      const { vfs, driver, root, outside } = machine;
      const at = (name: string) => path.join(machine.directory, name);
      fs.mkdirSync(at("sub"));
      fs.symlinkSync(outside, at("absolute"));
      fs.symlinkSync("../outside", at("relative"));
      fs.symlinkSync("../../outside", at("sub/relative"));
      fs.symlinkSync("/proc/self/cwd", at("magic"));
      fs.symlinkSync("/", at("top"));
      fs.symlinkSync("..", at("sub/up"));
      for (const where of [
        "../outside/secret",
        "/../outside/secret",
        "sub/../../outside/secret",
        "absolute/secret",
        "relative/secret",
        "sub/relative/secret",
        `top${outside}/secret`,
        "sub/up/../../outside/secret",
        `${outside}/secret`,
        "absolute/../outside/secret",
      ]) {
        assert.equal(machine.readFile(where), -Errno.ENOENT, where);
        assert.equal(machine.open(where, write | create), -Errno.ENOENT, where);
        assert.equal(machine.statAt(where), -Errno.ENOENT, where);
      }
      // Under a name in the root, links are never followed by the host.
      for (const link of ["absolute", "relative", "magic", "top"]) {
        const name = nameOf(link);
        assert.ok(driver.openAt(vfs, root, name, read, 0) < 0);
        assert.ok(driver.openAt(vfs, root, name, read | directory, 0) < 0);
        assert.equal(driver.makeDirectoryAt(vfs, root, name), -Errno.EEXIST);
        assert.equal(driver.removeDirectoryAt(vfs, root, name), -Errno.ENOTDIR);
      }
      const sub = machine.enter("sub");
      assert.equal(driver.renameAt(vfs, root, nameOf("absolute"), sub, nameOf("moved")), 0);
      assert.equal(fs.readlinkSync(at("sub/moved")), outside);
      assert.equal(driver.unlinkAt(vfs, sub, nameOf("moved")), 0);
      if (pins) {
        fs.symlinkSync(path.join(outside, "secret"), at("leak"));
        assert.equal(driver.linkAt(vfs, root, nameOf("leak"), sub, nameOf("hard")), 0);
        assert.ok(fs.lstatSync(at("sub/hard")).isSymbolicLink());
      }
      machine.drop(sub);
      assert.deepEqual(fs.readdirSync(outside), ["secret"]);
      machine.end();
    }
  });

  test("a mount inside another that may be written to does not trust its path", () => {
    const outer = makeFixture();
    const at = (name: string) => path.join(outer.directory, name);
    fs.mkdirSync(at("data"));
    fs.mkdirSync(at("mountpoint"));
    fs.writeFileSync(at("data/secret"), "ours");
    const { vfs, port, memory, mounts, root } = outer;
    const inner = createHostfs(vfs, port, at("data"));
    const covered = outer.enter("mountpoint");
    addMount(memory, mounts, inner, covered, root);
    assert.equal(outer.readFile("mountpoint/secret"), "ours");
    assert.equal(HostMount.pinned.load(memory, Mount.state.get(memory, inner)), 1);
    assert.equal(HostMount.pinned.load(memory, hostMountOf(memory, root)), 0);
    assert.equal(outer.driver.renameAt(vfs, root, nameOf("data"), root, nameOf("moved")), 0);
    assert.equal(outer.driver.symlinkAt(vfs, root, nameOf("data"), Buffer.from(outer.outside)), 0);
    assert.equal(outer.readFile("mountpoint/secret"), "ours");
    assert.equal(outer.readFile("mountpoint/../file"), -Errno.ENOENT);
    // The other way round: the inner mount is made first.
    const around = createHostfs(vfs, port, path.dirname(outer.directory));
    assert.equal(HostMount.pinned.load(memory, hostMountOf(memory, root)), 1);
    destroyHostfs(vfs, port, around);
    const readOnly = makeFixture({ readOnly: true });
    const below = path.join(readOnly.directory, "below");
    fs.mkdirSync(below);
    const free = createHostfs(vfs, port, below);
    assert.equal(HostMount.pinned.load(memory, Mount.state.get(memory, free)), 0);
    destroyHostfs(vfs, port, free);
    readOnly.end();
    outer.drop(covered);
    destroyHostfs(vfs, port, inner);
    outer.end();
  });

  test("the directory that holds a mount does not forget it", () => {
    const machine = makeFixture();
    const { vfs, port, memory, mounts } = machine;
    const at = (name: string) => path.join(machine.directory, name);
    fs.mkdirSync(at("parent/mountpoint"), { recursive: true });
    fs.mkdirSync(at("data"));
    fs.writeFileSync(at("data/file"), "mounted");
    const parent = machine.enter("parent");
    const covered = machine.enter("mountpoint", parent);
    const mount = createHostfs(vfs, port, at("data"));
    addMount(memory, mounts, mount, covered, parent);
    machine.drop(covered);
    machine.drop(parent);
    for (let index = 0; index < 300; index++) {
      fs.mkdirSync(at(`d${index}`));
      machine.drop(machine.enter(`d${index}`));
    }
    const listed = machine.open("parent/mountpoint", read | directory);
    const names = machine.list(listed);
    assert.ok(Array.isArray(names) && names.some(({ name }) => name === "file"));
    machine.close(listed);
    destroyHostfs(vfs, port, mount);
    machine.end();
  });

  test("workers share directories, descriptors and open files", async () => {
    const machine = makeFixture();
    for (let index = 0; index < 80; index++) {
      fs.mkdirSync(path.join(machine.directory, `d${index}`));
    }
    const file = machine.open("log", read | write | create);
    const words = new Int32Array(new SharedArrayBuffer(8));
    await Promise.all([1, 2, 3].map(() => startWorker(machine, "walk", words, file)));
    const text = fs.readFileSync(path.join(machine.directory, "log"), "latin1");
    assert.equal(text.length, 3 * 300 * 8);
    for (const own of [0, 1, 2]) assert.equal(text.split(`line ${own}\n`).length - 1, 300);
    machine.close(file);
    const host = hostMountOf(machine.memory, machine.root);
    assert.ok(HostMount.count.get(machine.memory, host) <= 70);
    machine.end();
  });
}
