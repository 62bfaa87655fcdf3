/** Mounts of all kinds as a user of the library makes them, and programs that use them. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import {
  archive,
  Machine,
  memory,
  type Mountable,
  overlay,
  readOnly,
  WeftError,
} from "../../src/api/node.ts";
import { tarTree, zipTree } from "../support/archive-writer.ts";
import { fillDirectory, makeHostDirectory } from "../support/filesystem-subjects.ts";
import { openDescriptors } from "../support/hostfs-fixture.ts";
import { loadGuest, withMachine } from "../support/machine-guest.ts";

const EROFS = 69;

/** A host directory with a tree, for the length of an action. */
async function withHost<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const { directory, remove } = makeHostDirectory();
  fillDirectory(directory, { d: null, "d/f": "of the host", g: "also" });
  try {
    return await action(directory);
  } finally {
    remove();
  }
}

/** Machines with these mounts that cannot be made, and why. Nothing of them may stay open. */
async function refuses(
  mounts: Record<string, Mountable>,
  code: string,
  message: RegExp,
): Promise<void> {
  const descriptors = openDescriptors();
  await assert.rejects(
    Machine.create({ mounts }),
    (error) => error instanceof WeftError && error.code === code && message.test(error.message),
  );
  assert.equal(openDescriptors(), descriptors);
}

test("programs read archives, on whatever thread they run, and cannot write to them", async () => {
  const tree = {
    dir: null,
    "dir/file": "in the archive\n".repeat(1000),
    link: { link: "dir/file" },
  };
  const mounts = {
    "/tar": archive(tarTree(tree)),
    "/zip": archive(zipTree(tree)),
  };
  await withMachine({ mounts }, async (machine) => {
    const program = await loadGuest(machine, "use_files");
    for (const where of ["/tar", "/zip"]) {
      const runs = await Promise.all(
        [1, 2, 3].map(() => machine.run(program, { args: ["read", `${where}/link`] })),
      );
      for (const { stdout, exitCode } of runs) {
        assert.equal(exitCode, 0);
        assert.equal(stdout, tree["dir/file"]);
      }
      const { exitCode } = await machine.run(program, {
        args: ["write", `${where}/dir/file`, "x"],
      });
      assert.equal(exitCode, EROFS);
      assert.deepEqual(await machine.fs.readdir(where), [
        { name: "dir", kind: "directory" },
        { name: "link", kind: "symlink" },
      ]);
      await assert.rejects(machine.fs.writeFile(`${where}/new`, "x"), /EROFS/);
    }
  });
});

test("an archive of the host is read where it lies", async () => {
  await withHost(async (directory) => {
    const file = path.join(directory, "some.zip");
    fs.writeFileSync(file, zipTree({ "a/b": "b".repeat(10) }));
    const source = archive(file);
    for (let round = 0; round < 2; round++) {
      await withMachine({ mounts: { "/a": source, "/b": source } }, async (machine) => {
        assert.equal(await machine.fs.readTextFile("/a/a/b"), "bbbbbbbbbb");
        assert.equal(await machine.fs.readTextFile("/b/a/b"), "bbbbbbbbbb");
      });
    }
  });
});

test("an overlay keeps changes in memory, and the host's directory as it is", async () => {
  await withHost(async (directory) => {
    const mounts = { "/w": overlay({ lower: directory }) };
    await withMachine({ mounts }, async (machine) => {
      const program = await loadGuest(machine, "use_files");
      for (const words of [
        ["write", "/w/d/f", "changed"],
        ["write", "/w/d/new", "made"],
      ]) {
        assert.equal((await machine.run(program, { args: words })).exitCode, 0);
      }
      await machine.fs.rm("/w/g");
      const { stdout } = await machine.run(program, { args: ["read", "/w/d/f"] });
      assert.equal(stdout, "changed");
      assert.deepEqual(
        (await machine.fs.readdir("/w")).map(({ name }) => name),
        ["d"],
      );
    });
    assert.equal(fs.readFileSync(path.join(directory, "d/f"), "utf8"), "of the host");
    assert.deepEqual(fs.readdirSync(directory).sort(), ["d", "g"]);
    assert.deepEqual(fs.readdirSync(path.join(directory, "d")), ["f"]);
  });
});

test("an overlay of archives can be the root, as an image of a container", async () => {
  const base = tarTree({ etc: null, "etc/name": "base", "etc/old": "old", bin: null });
  const layer = tarTree({ etc: null, "etc/name": "layer", "etc/.wh.old": "" });
  const mounts = { "/": overlay({ lower: [archive(layer), archive(base)] }), "/scratch": memory() };
  await withMachine({ mounts }, async (machine) => {
    assert.equal(await machine.fs.readTextFile("/etc/name"), "layer");
    assert.equal(await machine.fs.exists("/etc/old"), false);
    await machine.fs.writeFile("/etc/old", "new");
    await machine.fs.writeFile("/tmp/x", "1");
    await machine.fs.writeFile("/scratch/x", "1");
    assert.equal((await machine.fs.stat("/dev/null")).kind, "device");
    const names = (await machine.fs.readdir("/")).map(({ name }) => name);
    assert.deepEqual(names, ["bin", "dev", "etc", "proc", "scratch", "tmp"]);
  });
});

test("anything can be mounted so that it cannot be changed", async () => {
  await withHost(async (directory) => {
    const mounts = {
      "/host": readOnly(directory),
      "/memory": readOnly(memory()),
      "/overlay": readOnly(overlay({ lower: directory })),
      "/option": { hostPath: directory, readOnly: true },
    };
    await withMachine({ mounts }, async (machine) => {
      for (const where of Object.keys(mounts)) {
        await assert.rejects(machine.fs.writeFile(`${where}/x`, ""), /EROFS/, where);
        await assert.rejects(machine.fs.mkdir(`${where}/x`), /EROFS/, where);
      }
      await assert.rejects(machine.fs.rm("/overlay/g"), /EROFS/);
      assert.equal(await machine.fs.readTextFile("/overlay/g"), "also");
    });
  });
});

test("something can be mounted in what cannot be changed, where its directory is there", async () => {
  await withHost(async (directory) => {
    const mounts = {
      "/host": readOnly(directory),
      "/host/d": memory(),
      "/tar": archive(tarTree({ "inner/deep": null })),
      "/tar/inner/deep": memory(),
    };
    await withMachine({ mounts }, async (machine) => {
      for (const where of ["/host/d", "/tar/inner/deep"]) {
        await machine.fs.writeFile(`${where}/x`, where);
        assert.equal(await machine.fs.readTextFile(`${where}/x`), where);
        await assert.rejects(machine.fs.mkdir(where), /EEXIST/);
      }
      await assert.rejects(machine.fs.writeFile("/host/x", ""), /EROFS/);
      await machine.fs.mkdir("/host/d/a/b", { recursive: true });
    });
    await refuses({ "/host": readOnly(directory), "/host/none": memory() }, "ERR_FILE", /EROFS/);
    assert.deepEqual(fs.readdirSync(path.join(directory, "d")), ["f"]);
  });
});

test("what cannot be mounted says why, and leaves nothing open", async () => {
  await withHost(async (directory) => {
    const good = { "/good": directory, "/g": archive(zipTree({})) };
    const file = path.join(directory, "g");
    const none = path.join(directory, "none.zip");
    await refuses(
      { ...good, "/x": archive(file) },
      "ERR_MOUNT",
      /cannot mount the archive ".*\/g": it is neither a tar nor a zip/,
    );
    await refuses(
      { ...good, "/x": archive(none) },
      "ERR_MOUNT",
      /cannot open ".*none.zip" on the host: .*ENOENT/,
    );
    await refuses({ ...good, "/x": archive(directory) }, "ERR_MOUNT", /EISDIR/);
    await refuses(
      { ...good, "/x": archive(new Uint8Array(0)) },
      "ERR_MOUNT",
      /the archive in memory: it is empty/,
    );
    await refuses({ ...good, "/x": none }, "ERR_MOUNT", /ENOENT/);
    await refuses({ ...good, "/x": overlay({ lower: [] }) }, "ERR_OPTION", /0 layers/);
    await refuses(
      { ...good, "/x": overlay({ lower: overlay({ lower: directory }) }) },
      "ERR_OPTION",
      /a layer is/,
    );
    await refuses(
      { ...good, "/x": overlay({ lower: directory, upper: archive(zipTree({})) }) },
      "ERR_OPTION",
      /upper cannot be written/,
    );
    await refuses({ ...good, "/x": overlay({ lower: [directory, none] }) }, "ERR_MOUNT", /ENOENT/);
    await refuses({ ...good, x: directory }, "ERR_OPTION", /not absolute/);
  });
});
