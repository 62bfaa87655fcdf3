/** What is an overlay's own: layers, whiteouts, copies; random operations beside a model; many agents at once. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { tarOf } from "../../../tests/support/archive-writer.ts";
import type { Tree } from "../../../tests/support/filesystem-contract/index.ts";
import {
  fillDirectory,
  makeArchive,
  type Made,
  makeHostDirectory,
  makeHostMount,
  makeMemoryMount,
  makeOverlay,
  onSubject,
} from "../../../tests/support/filesystem-subjects.ts";
import { KernelMachine } from "../../../tests/support/kernel-machine.ts";
import { FileModel } from "../../../tests/support/kernel-model.ts";
import { runJob } from "../../../tests/support/kernel-workers.ts";
import { DIRECTORY, O, type PosixCalls, REGULAR_FILE } from "../../../tests/support/posix-calls.ts";
import type { FixtureMachine } from "../../../tests/support/syscall-fixture.ts";
import { NodeFiles } from "../../hosts/node/files.ts";
import { Errno } from "../../abi/errno.ts";
import { createHostfs, destroyHostfs, HostfsDriver } from "../hostfs/index.ts";

/** Runs calls on an overlay whose layers are given as trees, the writable one first. */
function layered(name: string, trees: readonly Tree[], body: (calls: PosixCalls) => void): void {
  test(name, () => {
    const make = (machine: FixtureMachine) => {
      const [upper, ...lowers] = trees.map((tree, index) =>
        makeMemoryMount(machine, tree, index > 0),
      );
      return makeOverlay(machine, upper, lowers);
    };
    onSubject({ name, make }, {}, body);
  });
}

layered(
  "the uppermost layer that has a name decides what it is",
  [
    { file: "upper", d: null, "d/upper": "1" },
    {
      file: "middle",
      both: "middle",
      d: null,
      "d/middle": "2",
      x: "a file",
      "x-dir": null,
      "x-dir/m": "m",
    },
    {
      file: "lower",
      both: "lower",
      low: "lower",
      d: null,
      "d/lower": "3",
      x: null,
      "x/below": "hidden",
      "x-dir": "a file",
    },
  ],
  (calls) => {
    assert.equal(calls.text("file"), "upper");
    assert.equal(calls.text("both"), "middle");
    assert.equal(calls.text("low"), "lower");
    assert.deepEqual(calls.names("d"), ["lower", "middle", "upper"]);
    assert.equal(calls.typeOf("x"), REGULAR_FILE);
    assert.equal(calls.tryOpen("x/below"), -Errno.ENOTDIR);
    assert.deepEqual(calls.names("x-dir"), ["m"]);
    assert.deepEqual(calls.names("."), ["both", "d", "file", "low", "x", "x-dir"]);
  },
);

layered(
  "whiteouts of lower layers hide what is below them, as in images of containers",
  [
    {},
    { ".wh.gone": "", d: null, "d/.wh..wh..opq": "", "d/new": "1", e: null, "e/.wh.two": "" },
    { gone: "old", d: null, "d/old": "2", e: null, "e/one": "1", "e/two": "2", stays: "x" },
  ],
  (calls) => {
    assert.deepEqual(calls.names("."), ["d", "e", "stays"]);
    assert.deepEqual(calls.names("d"), ["new"]);
    assert.deepEqual(calls.names("e"), ["one"]);
    for (const name of ["gone", "d/old", "e/two"])
      assert.equal(calls.tryOpen(name), -Errno.ENOENT, name);
    calls.put("gone", "new");
    calls.put("d/old", "new");
    assert.equal(calls.text("gone"), "new");
    assert.deepEqual(calls.names("d"), ["new", "old"]);
  },
);

layered(
  "the overlay's own names cannot be used through it",
  [{}, { ".wh.x": "", f: "f" }],
  (calls) => {
    for (const name of [".wh.x", ".wh.f", ".wh..wh..opq", ".wh."]) {
      assert.equal(calls.tryOpen(name), -Errno.ENOENT, name);
      assert.equal(calls.typeOf(name), -Errno.ENOENT);
      assert.equal(calls.tryOpen(name, O.RDWR | O.CREAT), -Errno.EPERM);
      assert.equal(calls.mkdir(name), -Errno.EPERM);
      assert.equal(calls.symlink("x", name), -Errno.EPERM);
      assert.equal(calls.rename("f", name), -Errno.EPERM);
      assert.equal(calls.link("f", name), -Errno.EPERM);
      assert.equal(calls.unlink(name), -Errno.ENOENT);
      assert.equal(calls.mkdir(`${name}/x`), -Errno.ENOENT);
    }
    assert.equal(calls.text("f"), "f");
    calls.put(".wh", "not one of them");
    assert.deepEqual(calls.names("."), [".wh", "f"]);
  },
);

layered(
  "a directory that is made where one was removed stays empty through every change",
  [{}, { d: null, "d/old": "1", "d/sub": null, "d/sub/deep": "2", f: "file" }],
  (calls) => {
    for (const name of ["d/old", "d/sub/deep"]) assert.equal(calls.unlink(name), 0);
    for (const name of ["d/sub", "d"]) assert.equal(calls.rmdir(name), 0);
    assert.equal(calls.mkdir("d"), 0);
    assert.equal(calls.mkdir("d/sub"), 0);
    assert.deepEqual(calls.names("d/sub"), []);
    assert.equal(calls.rename("d", "e"), 0, "it is only in the writable layer now");
    assert.equal(calls.typeOf("d"), -Errno.ENOENT);
    assert.equal(calls.mkdir("d"), 0);
    assert.deepEqual(calls.names("d"), []);
    assert.equal(calls.rename("e", "d"), 0);
    assert.deepEqual(calls.names("d"), ["sub"]);
    assert.equal(calls.unlink("f"), 0);
    assert.equal(calls.rename("d", "f"), 0, "over a name that a file had below");
    assert.deepEqual(calls.names("f"), ["sub"]);
    assert.deepEqual(calls.names("."), ["f"]);
  },
);

layered(
  "a directory of the writable layer may replace an empty one of a lower",
  [{}, { low: null, "low/x": "1", other: null }],
  (calls) => {
    assert.equal(calls.mkdir("new"), 0);
    calls.put("new/file", "x");
    assert.equal(calls.rename("new", "low"), -Errno.ENOTEMPTY);
    assert.equal(calls.unlink("low/x"), 0);
    const held = calls.opened("low", O.DIRECTORY);
    assert.equal(calls.rename("new", "low"), 0);
    assert.deepEqual(calls.names("low"), ["file"]);
    assert.equal(calls.tryOpen("file", 0, held), -Errno.ENOENT, "the replaced one is gone");
    calls.close(held);
    assert.equal(calls.rename("low", "other"), 0);
    assert.deepEqual(calls.names("."), ["other"]);
  },
);

layered(
  "numbers of directories do not change with what happens in them",
  [{}, { d: null, "d/e": null, "d/e/f": "1" }],
  (calls) => {
    const before = [calls.status("d"), calls.status("d/e")].map(
      ({ inode, device }) => `${device}:${inode}`,
    );
    calls.put("d/e/new", "x");
    const after = [calls.status("d"), calls.status("d/e")].map(
      ({ inode, device }) => `${device}:${inode}`,
    );
    assert.deepEqual(after, before);
    assert.equal(calls.status("d/e/..").inode, calls.status("d").inode);
  },
);

layered(
  "a copy keeps times and holes, and who read the old file goes on doing so",
  [{}, { f: "old content" }],
  (calls) => {
    const times = calls.status("f").modified;
    const reader = calls.opened("f");
    const writer = calls.opened("f", O.RDWR);
    assert.equal(calls.status("f").modified, times, "opening alone changes nothing that is seen");
    assert.equal(calls.write(writer, "new"), 3);
    assert.equal(calls.text("f"), "new content");
    assert.equal(calls.read(reader), "old content");
    assert.equal(calls.futimes(reader, 1n, 1n), -Errno.EROFS);
    calls.close(reader);
    calls.close(writer);
  },
);

layered(
  "names of 251 bytes can be removed from a lower layer, longer ones not",
  [{}, { ["n".repeat(251)]: "", ["m".repeat(252)]: "" }],
  (calls) => {
    assert.equal(calls.unlink("n".repeat(251)), 0);
    assert.equal(calls.unlink("m".repeat(252)), -Errno.ENAMETOOLONG);
    assert.deepEqual(calls.names("."), ["m".repeat(252)]);
  },
);

test("without a writable layer everything can be read and nothing changed", () => {
  const make = (machine: FixtureMachine) =>
    makeOverlay(machine, undefined, [
      makeArchive(machine, tarOf({ name: "a", content: "archived" })),
      makeMemoryMount(machine, { a: "x", b: "y" }, true),
    ]);
  onSubject({ name: "read-only", make }, {}, (calls) => {
    assert.equal(calls.text("a"), "archived");
    assert.equal(calls.text("b"), "y");
    assert.equal(calls.unlink("a"), -Errno.EROFS);
    assert.equal(calls.tryOpen("c", O.RDWR | O.CREAT), -Errno.EROFS);
  });
});

test("what was done is still there when host directories are laid over each other again, and the lower one is untouched", () => {
  const upper = makeHostDirectory();
  const lower = makeHostDirectory();
  const tree: Tree = {
    keep: "kept",
    change: "old",
    remove: "x",
    d: null,
    "d/in": "1",
    "d/gone": "2",
    all: null,
    "all/x": "",
  };
  fillDirectory(lower.directory, tree);
  const make = (machine: FixtureMachine): Made => {
    const { vfs } = machine.kernel;
    const port = new NodeFiles();
    new HostfsDriver(port).register(vfs);
    const [above, below] = [upper, lower].map(({ directory }, index) => {
      const mount = createHostfs(vfs, port, directory, { readOnly: index === 1 });
      return { mount, undo: () => destroyHostfs(vfs, port, mount) };
    });
    return makeOverlay(machine, above, [below]);
  };
  onSubject({ name: "first", make }, {}, (calls) => {
    calls.put("change", "new");
    assert.equal(calls.unlink("remove"), 0);
    assert.equal(calls.unlink("d/gone"), 0);
    assert.equal(calls.unlink("all/x"), 0);
    assert.equal(calls.rmdir("all"), 0);
    assert.equal(calls.mkdir("all"), 0);
    assert.equal(calls.rename("keep", "d/moved"), 0);
    calls.put("d/made", "made");
  });
  onSubject({ name: "second", make }, {}, (calls) => {
    assert.deepEqual(calls.names("."), ["all", "change", "d"]);
    assert.deepEqual(calls.names("d"), ["in", "made", "moved"]);
    assert.deepEqual(calls.names("all"), []);
    assert.equal(calls.text("change"), "new");
    assert.equal(calls.text("d/moved"), "kept");
  });
  assert.equal(fs.readFileSync(path.join(lower.directory, "change"), "utf8"), "old");
  assert.deepEqual(fs.readdirSync(path.join(lower.directory, "d")).sort(), ["gone", "in"]);
  assert.deepEqual(fs.readdirSync(upper.directory).sort(), [
    ".wh.all",
    ".wh.keep",
    ".wh.remove",
    "all",
    "change",
    "d",
  ]);
  upper.remove();
  lower.remove();
});

test("symbolic links in the layers lead from the guest's root", () => {
  const make = (machine: FixtureMachine) =>
    makeOverlay(machine, makeMemoryMount(machine, {}), [
      makeHostMount(
        machine,
        {
          abs: { link: "/other/file" },
          up: { link: "../../../etc/passwd" },
          d: null,
          "d/l": { link: ".." },
        },
        { readOnly: true },
      ),
    ]);
  onSubject({ name: "links", make }, {}, (calls) => {
    assert.equal(calls.text("abs"), "other");
    assert.equal(calls.tryOpen("up"), -Errno.ENOENT);
    assert.equal(calls.typeOf("d/l"), DIRECTORY);
    assert.equal(calls.status("d/l/").inode, calls.status(".").inode);
  });
});

for (let seed = 1; seed <= 8; seed++) {
  test(`random operations on two layers agree with a model: seed ${seed}`, () => {
    const machine = KernelMachine.create();
    const model = new FileModel(machine, seed, false, true);
    for (let step = 0; step < 800; step++) model.step();
    model.cover();
    for (let step = 0; step < 2500; step++) model.step();
    model.finish();
    for (const answer of ["open 0", "rename 0", "unlink 0", "removeDirectory 0", "link 0"]) {
      assert.ok(model.answers.has(answer), `${answer} never came`);
    }
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  });
}

for (const seed of [1, 2]) {
  test(`random operations of four agents on one overlay leave it sound: seed ${seed}`, async () => {
    const machine = KernelMachine.create();
    const { memory, mounts } = machine;
    for (const where of ["/a", "/b", "/a/c", "/a/c/d", "/b/a"]) machine.makeDirectory(where);
    for (const where of ["/c", "/a/b", "/a/c/a", "/b/a/d"]) machine.put(where, "7".repeat(100_000));
    machine.coverRoot();
    const { root } = machine;
    const worked = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        runJob(memory, "disturbTree", { mounts, seed: seed * 100 + number, times: 4000, root }),
      ),
    );
    for (const count of worked) assert.ok(count > 300, `only ${count} operations worked`);
    memory.refreshIfGrown();
    const walk = (where: string): void => {
      const names = machine.names(where);
      assert.ok(Array.isArray(names));
      for (const name of names) {
        const below = `${where === "/" ? "" : where}/${name}`;
        const stat = machine.statOf(below, false);
        assert.ok(typeof stat === "object", below);
        if (stat.type === DIRECTORY) walk(below);
      }
    };
    walk("/");
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  });
}
