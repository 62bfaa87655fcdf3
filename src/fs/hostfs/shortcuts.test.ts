/** Paths several names deep lead where each of their names leads at the moment, also when it was known where they led before. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { Errno } from "../../abi/errno.ts";
import { addMount, Open } from "../../vfs/index.ts";
import { makeFixture, nameOf, type Fixture } from "../../../tests/support/hostfs-fixture.ts";
import { createHostfs, destroyHostfs } from "./index.ts";

const { write, create } = Open;

/** A machine with `a/b/c/file`, whose path was walked. */
function makeDeep(options: Parameters<typeof makeFixture>[0] = {}) {
  const machine = makeFixture(options);
  const at = (name: string) => path.join(machine.directory, name);
  fs.mkdirSync(at("a/b/c"), { recursive: true });
  fs.writeFileSync(at("a/b/c/file"), "first");
  for (let round = 0; round < 3; round++) assert.equal(machine.readFile("a/b/c/file"), "first");
  return { machine, at };
}

/** How often the host is asked for each thing while something is done. */
function countCalls(machine: Fixture, act: () => void): Record<"statAt" | "isAt", number> {
  const { port } = machine.driver;
  const counts = { statAt: 0, isAt: 0 };
  const { isAt, statAt } = port;
  port.isAt = (...rest) => (counts.isAt++, isAt.apply(port, rest));
  port.statAt = (...rest) => (counts.statAt++, statAt.apply(port, rest));
  act();
  port.isAt = isAt;
  port.statAt = statAt;
  return counts;
}

test("a path that was walked before takes one look for all its directories", () => {
  const { machine } = makeDeep();
  const counts = countCalls(machine, () => assert.equal(machine.statAt("a/b/c/file"), 0));
  assert.deepEqual(counts, { statAt: 1, isAt: 1 });
  machine.end();
});

test("names that lead elsewhere by now are seen at once", () => {
  const { machine, at } = makeDeep();
  const { outside } = machine;
  const read = () => machine.readFile("a/b/c/file");
  // Moved away, at each level, and another put in its place.
  for (const moved of ["a", "a/b", "a/b/c"]) {
    const inner = path.relative(moved, "a/b/c");
    fs.renameSync(at(moved), at("moved"));
    assert.equal(read(), -Errno.ENOENT, moved);
    fs.mkdirSync(at("a/b/c"), { recursive: true });
    fs.writeFileSync(at("a/b/c/file"), "second");
    assert.equal(read(), "second", moved);
    assert.equal(machine.readFile(path.join("moved", inner, "file")), "first", moved);
    fs.rmSync(at(moved), { recursive: true });
    fs.renameSync(at("moved"), at(moved));
    assert.equal(read(), "first", moved);
    // A link in its place, to outside, and to where it is now.
    fs.mkdirSync(path.join(outside, inner), { recursive: true });
    fs.writeFileSync(path.join(outside, inner, "file"), "outside");
    fs.renameSync(at(moved), at("moved"));
    fs.symlinkSync(outside, at(moved));
    assert.equal(read(), -Errno.ENOENT, moved);
    fs.rmSync(at(moved));
    fs.symlinkSync(at("moved"), at(moved));
    assert.equal(read(), -Errno.ENOENT, moved);
    fs.rmSync(at(moved));
    fs.symlinkSync("/moved", at(moved));
    assert.equal(read(), "first", moved);
    fs.rmSync(at(moved));
    // A file in its place, and out of the mount.
    fs.writeFileSync(at(moved), "a file");
    assert.equal(read(), -Errno.ENOTDIR, moved);
    fs.rmSync(at(moved));
    fs.renameSync(at("moved"), path.join(outside, "moved"));
    assert.equal(read(), -Errno.ENOENT, moved);
    assert.equal(machine.open("a/b/c/made", write | create), -Errno.ENOENT, moved);
    fs.renameSync(path.join(outside, "moved"), at(moved));
    assert.equal(read(), "first", moved);
    // Also what the guest itself does.
    const { driver, root, vfs } = machine;
    if (moved === "a") {
      assert.equal(driver.renameAt(vfs, root, nameOf("a"), root, nameOf("z")), 0);
      assert.equal(read(), -Errno.ENOENT);
      assert.equal(driver.renameAt(vfs, root, nameOf("z"), root, nameOf("a")), 0);
      assert.equal(read(), "first");
    }
  }
  machine.end();
});

test("a directory that is removed is not there, whatever its name was", () => {
  const { machine, at } = makeDeep();
  fs.mkdirSync(at("a/b/d (deleted)"));
  for (let round = 0; round < 2; round++)
    assert.equal(machine.statAt("a/b/d (deleted)/."), 0, `${round}`);
  fs.renameSync(at("a/b/d (deleted)"), at("a/b/d"));
  assert.equal(machine.statAt("a/b/d (deleted)/."), -Errno.ENOENT);
  fs.rmdirSync(at("a/b/d"));
  assert.equal(machine.statAt("a/b/d (deleted)/."), -Errno.ENOENT);
  fs.rmSync(at("a"), { recursive: true });
  assert.equal(machine.statAt("a/b/c/file"), -Errno.ENOENT);
  assert.equal(machine.statAt("a/b/c/."), -Errno.ENOENT);
  machine.end();
});

test("dots, slashes and names that are no text lead where they do name by name", () => {
  for (const pins of [true, false]) {
    const { machine, at } = makeDeep({ pins });
    const bytes = Buffer.from("a/\xff\xfe/c/file", "latin1");
    fs.mkdirSync(
      Buffer.concat([Buffer.from(at("a/")), Buffer.from([0xff, 0xfe]), Buffer.from("/c")]),
      {
        recursive: true,
      },
    );
    fs.mkdirSync(at("a/\ufffd\ufffd/c"), { recursive: true });
    fs.writeFileSync(at("a/\ufffd\ufffd/c/file"), "another");
    for (let round = 0; round < 3; round++) {
      for (const where of [
        "a//b///c/file",
        "./a/./b/c/./file",
        "a/b/../b/c/file",
        "a/b/c/../../b/c/file",
        "../a/b/c/file",
      ])
        assert.equal(machine.readFile(where), "first", where);
      assert.equal(machine.statAt("a/b/c/"), 0);
      assert.equal(machine.statAt("a/b/c//"), 0);
      assert.equal(machine.statAt("a/b/c/file/x"), -Errno.ENOTDIR);
      assert.equal(machine.statAt(`a/b/${"c".repeat(256)}/file`), -Errno.ENAMETOOLONG);
      assert.equal(machine.readFile(bytes), -Errno.ENOENT);
      assert.equal(machine.readFile("a/\ufffd\ufffd/c/file"), "another");
    }
    machine.end();
  }
});

test("a walk of several names stops at what is mounted on one of them", () => {
  const { machine, at } = makeDeep();
  const { vfs, port, memory, mounts } = machine;
  fs.mkdirSync(at("other/c"), { recursive: true });
  fs.writeFileSync(at("other/c/file"), "mounted");
  const parent = machine.enter("a");
  const covered = machine.enter("b", parent);
  const mount = createHostfs(vfs, port, at("other"));
  addMount(memory, mounts, mount, covered, parent);
  for (let round = 0; round < 3; round++) assert.equal(machine.readFile("a/b/c/file"), "mounted");
  machine.drop(covered);
  machine.drop(parent);
  destroyHostfs(vfs, port, mount);
  machine.end();
});

test("the names are walked again after a second", () => {
  const { machine } = makeDeep();
  const { vfs } = machine;
  const begin = Date.now();
  vfs.clock = { milliseconds: () => begin + 5000 };
  const stat = () => countCalls(machine, () => assert.equal(machine.statAt("a/b/c/file"), 0));
  assert.deepEqual(stat(), { statAt: 4, isAt: 0 });
  assert.deepEqual(stat(), { statAt: 1, isAt: 1 });
  // A clock that was set back tells nothing of what is past.
  vfs.clock = { milliseconds: () => begin };
  assert.deepEqual(stat(), { statAt: 4, isAt: 0 });
  machine.end();
});
