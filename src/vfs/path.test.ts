import assert from "node:assert/strict";
import test from "node:test";
import { KernelMachine } from "../../tests/support/kernel-machine.ts";
import { Errno } from "../abi/errno.ts";
import { createTmpfs, destroyTmpfs } from "../fs/index.ts";
import {
  addMount,
  Inode,
  Mount,
  Mounts,
  NAME_MAX,
  Open,
  PATH_MAX,
  PathWalk,
  SYMLINK_MAX,
} from "./index.ts";

function onMachine(name: string, body: (machine: KernelMachine) => void): void {
  test(name, () => {
    const machine = KernelMachine.create();
    body(machine);
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  });
}

/** Where a walk ends: the directory's inode and the last name, or `-errno`. */
function walkTo(machine: KernelMachine, path: string | Uint8Array, root = machine.root) {
  const walk = new PathWalk(machine.vfs, machine.mounts);
  const bytes = typeof path === "string" ? new TextEncoder().encode(path) : path;
  const result = walk.begin(root, root, bytes, 0, bytes.length);
  const { name, directory, trailingSlash, onMountpoint } = walk;
  const text = new TextDecoder().decode(name.bytes.slice(name.start, name.start + name.length));
  walk.end();
  return result < 0 ? result : { directory, name: text, trailingSlash, onMountpoint };
}

onMachine("a walk ends on the last name and its directory", (machine) => {
  machine.makeDirectory("/a");
  machine.makeDirectory("/a/b");
  const { root } = machine;
  const there = { directory: root, name: "x", trailingSlash: false, onMountpoint: false };
  for (const path of ["x", "/x", "//x", "./x", "/a/../x", "a/b/../../x", "../../x", "a/./.././x"]) {
    assert.deepEqual(walkTo(machine, path), there, path);
  }
  assert.deepEqual(walkTo(machine, "x/"), { ...there, trailingSlash: true });
  assert.deepEqual(walkTo(machine, "x///"), { ...there, trailingSlash: true });
  for (const path of ["/", ".", "..", "/a/..", "a/b/../..//"]) {
    assert.deepEqual(walkTo(machine, path), { ...there, name: "" }, path);
  }
});

onMachine("a walk refuses bad paths", (machine) => {
  machine.put("/file", "");
  machine.makeDirectory("/d");
  assert.equal(walkTo(machine, ""), -Errno.ENOENT);
  assert.equal(walkTo(machine, "none/x"), -Errno.ENOENT);
  assert.equal(walkTo(machine, "file/x"), -Errno.ENOTDIR);
  assert.equal(walkTo(machine, "file/.."), -Errno.ENOTDIR);
  assert.equal(walkTo(machine, "d/\0"), -Errno.EINVAL);
  assert.equal(walkTo(machine, "d/" + "n".repeat(NAME_MAX + 1)), -Errno.ENAMETOOLONG);
  assert.equal(walkTo(machine, "n".repeat(NAME_MAX + 1) + "/x"), -Errno.ENAMETOOLONG);
  assert.equal(walkTo(machine, "/".repeat(PATH_MAX)), -Errno.ENAMETOOLONG);
  const longest = "./".repeat(PATH_MAX / 2 - 1) + "d";
  assert.equal(longest.length, PATH_MAX - 1);
  assert.ok(typeof walkTo(machine, longest) !== "number");
});

onMachine("symbolic links are followed in the middle of a path", (machine) => {
  machine.makeDirectory("/a");
  machine.makeDirectory("/a/b");
  machine.put("/a/b/f", "found");
  machine.symlink("a/b", "/relative");
  machine.symlink("/a/b", "/a/absolute");
  machine.symlink("../a/./b//", "/a/b/dots");
  machine.symlink("f", "/a/b/g");
  machine.symlink("absolute/g", "/a/twice");
  for (const path of [
    "/relative/f",
    "/a/absolute/f",
    "/a/b/dots/f",
    "/relative/dots/g",
    "/a/twice",
  ]) {
    assert.equal(
      machine.text(path),
      path === "/a/b/dots/f" ? -Errno.ENOENT : path.includes("dots") ? -Errno.ENOENT : "found",
      path,
    );
  }
});

onMachine("symbolic links that go round end with ELOOP", (machine) => {
  machine.symlink("b", "/a");
  machine.symlink("a", "/b");
  machine.symlink("self/x", "/self");
  assert.equal(machine.text("/a"), -Errno.ELOOP);
  assert.equal(machine.text("/a/x"), -Errno.ELOOP);
  assert.equal(machine.text("/self"), -Errno.ELOOP);
  machine.put("/link0", "end");
  for (let index = 1; index <= SYMLINK_MAX + 1; index++) {
    machine.symlink(`link${index - 1}`, `/link${index}`);
  }
  assert.equal(machine.text(`/link${SYMLINK_MAX}`), "end");
  assert.equal(machine.text(`/link${SYMLINK_MAX + 1}`), -Errno.ELOOP);
});

onMachine("a path that grows too long through links is refused", (machine) => {
  machine.symlink("./".repeat(2000) + "x", "/long");
  machine.makeDirectory("/x");
  machine.put("/x/f", "there");
  assert.equal(machine.text("/long/f"), "there");
  assert.equal(machine.text("/long/" + "./".repeat(2000) + "f"), "there");
  machine.symlink("long/" + "./".repeat(2000), "/longer");
  assert.equal(machine.text("/longer/f"), "there");
  assert.equal(machine.text("/longer/" + "./".repeat(2000) + "f"), -Errno.ENAMETOOLONG);
});

onMachine("a mount covers a directory and is left by its parent", (machine) => {
  machine.makeDirectory("/mnt");
  machine.makeDirectory("/mnt/hidden");
  machine.put("/beside", "beside");
  const mount = machine.mount("/mnt");
  const mounted = Mount.root.get(machine.memory, mount);
  assert.deepEqual(machine.names("/mnt"), []);
  machine.put("/mnt/f", "inside");
  machine.makeDirectory("/mnt/d");
  assert.equal(machine.text("/mnt/f"), "inside");
  assert.equal(machine.text("/mnt/../beside"), "beside");
  assert.equal(machine.text("/mnt/d/../../mnt/d/../f"), "inside");
  assert.equal(machine.open("/mnt/hidden", Open.read), -Errno.ENOENT);
  for (const path of ["/mnt", "/mnt/", "/mnt/.", "/mnt/d/..", "mnt//"]) {
    const end = walkTo(machine, path);
    assert.ok(typeof end !== "number" && end.name === "" && end.directory === mounted, path);
  }
  const end = walkTo(machine, "/mnt");
  assert.ok(typeof end !== "number" && end.onMountpoint);
  assert.notEqual(
    (machine.statOf("/mnt") as { device: number }).device,
    (machine.statOf("/") as { device: number }).device,
  );
});

onMachine("a mount on a mount and a mount on a mount's root", (machine) => {
  machine.makeDirectory("/a");
  machine.mount("/a");
  machine.makeDirectory("/a/b");
  machine.mount("/a/b");
  machine.put("/a/b/f", "deep");
  machine.put("/a/f", "middle");
  assert.equal(machine.text("/a/b/f"), "deep");
  assert.equal(machine.text("/a/b/../f"), "middle");
  assert.deepEqual(machine.names("/a/b/../.."), ["a"]);
});

onMachine("of two mounts on one directory the later is seen", (machine) => {
  const { memory, mounts } = machine;
  machine.makeDirectory("/m");
  const first = machine.mount("/m");
  machine.put("/m/first", "");
  const second = createTmpfs(machine.vfs);
  addMount(memory, mounts, second, Mount.root.get(memory, first), machine.root);
  const end = walkTo(machine, "/m");
  assert.ok(typeof end !== "number" && end.directory === Mount.root.get(memory, second));
  assert.deepEqual(machine.names("/m"), []);
  assert.deepEqual(machine.names("/m/."), []);
  assert.deepEqual(machine.names("/m/.."), ["m"]);
  destroyTmpfs(machine.vfs, second);
  Mounts.first.set(memory, mounts, first);
});

onMachine("a walk never leaves the root it was given", (machine) => {
  machine.makeDirectory("/jail");
  machine.makeDirectory("/jail/in");
  machine.put("/secret", "");
  machine.symlink("/secret", "/jail/out");
  machine.symlink("../../secret", "/jail/in/up");
  const end = walkTo(machine, "/jail/in/x");
  assert.ok(typeof end !== "number");
  const jail = walkTo(machine, "/jail/x") as { directory: number };
  for (const path of ["../../x", "/../x", "in/../../../x"]) {
    const inside = walkTo(machine, path, jail.directory);
    assert.ok(typeof inside !== "number" && inside.directory === jail.directory, path);
  }
  assert.equal(walkTo(machine, "out/x", jail.directory), -Errno.ENOENT);
  assert.equal(walkTo(machine, "in/up/x", jail.directory), -Errno.ENOENT);
});

onMachine("a walk drops what it held, whatever its end", (machine) => {
  machine.makeDirectory("/a");
  machine.makeDirectory("/a/b");
  machine.symlink("b", "/a/link");
  const counts = () => {
    const end = walkTo(machine, "/a/b/x") as { directory: number };
    return [machine.root, end.directory].map((inode) => Inode.refs.load(machine.memory, inode));
  };
  const before = counts();
  for (const path of [
    "a/b/c",
    "a/link/none/x",
    "a/b/../../../a",
    "a/link/\0",
    "a/link/link/x",
    "",
  ]) {
    walkTo(machine, path);
    assert.deepEqual(counts(), before, path);
  }
});

onMachine("entering a path follows its last link and insists on a directory", (machine) => {
  machine.makeDirectory("/d");
  machine.put("/f", "");
  machine.symlink("d", "/to-directory");
  machine.symlink("f", "/to-file");
  machine.symlink("none", "/dangling");
  const enter = (path: string) => {
    const walk = new PathWalk(machine.vfs, machine.mounts);
    const bytes = new TextEncoder().encode(path);
    const begun = walk.begin(machine.root, machine.root, bytes, 0, bytes.length);
    const result = begun < 0 ? begun : walk.enter();
    const { directory } = walk;
    walk.end();
    return result < 0 ? result : directory;
  };
  assert.ok(enter("/d") > 0);
  assert.equal(enter("/to-directory"), enter("/d"));
  assert.equal(enter("/to-directory/"), enter("/d"));
  assert.equal(enter("/"), machine.root);
  assert.equal(enter("/to-file"), -Errno.ENOTDIR);
  assert.equal(enter("/f"), -Errno.ENOTDIR);
  assert.equal(enter("/dangling"), -Errno.ENOENT);
});
