/** The filesystems that the contract is run against: how each is made with a tree in it, put over `/m`, and undone. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  createOverlayfs,
  createTmpfs,
  destroyOverlayfs,
  destroyTmpfs,
} from "../../src/fs/index.ts";
import { createArchivefs } from "../../src/fs/archivefs/index.ts";
import { createUserfs, destroyUserfs, installUserfs } from "../../src/fs/userfs/index.ts";
import { createLogfs, destroyLogfs, installLogfs, Keeper } from "../../src/fs/logfs/index.ts";
import { UserFileServer } from "../../src/api/user-filesystem.ts";
import { createHostfs, destroyHostfs, HostfsDriver } from "../../src/fs/hostfs/index.ts";
import { NodeFiles } from "../../src/hosts/node/files.ts";
import {
  addMount,
  numberMount,
  dropFile,
  dropInode,
  Mount,
  Name,
  Open,
  Transfer,
  type Vfs,
} from "../../src/vfs/index.ts";
import { tarTree, zipTree } from "./archive-writer.ts";
import type { Departures, Tree } from "./filesystem-contract/index.ts";
import { openDescriptors } from "./hostfs-fixture.ts";
import { KernelMachine } from "./kernel-machine.ts";
import { describeTree, MemoryLog } from "./log-store.ts";
import { PosixCalls } from "./posix-calls.ts";
import { FixtureMachine, SyscallFixture } from "./syscall-fixture.ts";

/** A mount that was made, and how it is undone when the machine ends. */
export interface Made {
  readonly mount: number;
  readonly undo: () => void;
  /** What another agent does for it while a call sleeps. */
  readonly onSleep?: () => void;
}

export interface Subject {
  readonly name: string;
  readonly departures?: Departures;
  make(machine: FixtureMachine, tree: Tree): Made;
}

const encoder = new TextEncoder();

export function nameOf(text: string): Name {
  const bytes = encoder.encode(text);
  return new Name().set(bytes, 0, bytes.length);
}

/** Fills a filesystem in memory, directory by directory. */
export function fillMount(vfs: Vfs, mount: number, tree: Tree): void {
  for (const [where, what] of Object.entries(tree)) {
    const parts = where.split("/");
    const last = nameOf(parts.pop()!);
    let directory = Mount.root.get(vfs.memory, mount);
    const filesystem = vfs.filesystemOf(directory);
    const held: number[] = [];
    for (const part of parts) {
      directory = filesystem.step(vfs, directory, nameOf(part));
      assert.ok(directory > 0, where);
      held.push(directory);
    }
    if (what === null) assert.equal(filesystem.makeDirectoryAt(vfs, directory, last), 0, where);
    else if (typeof what === "object") {
      assert.equal(filesystem.symlinkAt(vfs, directory, last, encoder.encode(what.link)), 0, where);
    } else {
      const file = filesystem.openAt(vfs, directory, last, Open.create | Open.write, 0);
      assert.ok(file > 0, where);
      const bytes = encoder.encode(what);
      vfs.operationsOf(file).write(vfs, file, new Transfer().single(bytes, 0, bytes.length), 0);
      dropFile(vfs, file);
    }
    for (const inode of held) dropInode(vfs, inode);
  }
}

/** Makes a tree in a directory of the host. */
export function fillDirectory(directory: string, tree: Tree): void {
  for (const [where, what] of Object.entries(tree)) {
    const at = path.join(directory, where);
    if (what === null) fs.mkdirSync(at);
    else if (typeof what === "object") fs.symlinkSync(what.link, at);
    else fs.writeFileSync(at, what);
  }
}

/** A new directory of the host, which `remove` removes. */
export function makeHostDirectory(): { directory: string; remove: () => void } {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "weft-contract-")));
  return { directory, remove: () => fs.rmSync(directory, { recursive: true, force: true }) };
}

/** Mounts a host directory with a tree in it. */
export function makeHostMount(
  machine: FixtureMachine,
  tree: Tree,
  options: { pins?: boolean; readOnly?: boolean } = {},
): Made {
  const { vfs } = machine.kernel;
  const { directory, remove } = makeHostDirectory();
  fillDirectory(directory, tree);
  const port = new NodeFiles(options.pins === false ? { pins: false } : {});
  new HostfsDriver(port).register(vfs);
  const mount = createHostfs(vfs, port, directory, { readOnly: options.readOnly === true });
  return {
    mount,
    undo: () => {
      destroyHostfs(vfs, port, mount);
      remove();
    },
  };
}

/** Makes a filesystem in memory with a tree in it. */
export function makeMemoryMount(machine: FixtureMachine, tree: Tree, readOnly = false): Made {
  const { vfs } = machine.kernel;
  const mount = createTmpfs(vfs, { readOnly });
  fillMount(vfs, mount, tree);
  return { mount, undo: () => destroyTmpfs(vfs, mount) };
}

/** Runs a body on a process whose `/m` is the subject with a tree, `/other` other memory with a file; nothing may be left afterwards. */
export function onSubject(
  subject: Subject,
  tree: Tree,
  body: (calls: PosixCalls, fixture: SyscallFixture) => void,
): void {
  const descriptors = openDescriptors();
  const machine = new FixtureMachine();
  const { memory, root } = machine;
  const { vfs } = machine.kernel;
  const made: Made[] = [];
  const mountAt = (name: string, what: Made) => {
    const { mount } = what;
    const filesystem = vfs.filesystemOf(root);
    assert.equal(filesystem.makeDirectoryAt(vfs, root, nameOf(name)), 0);
    const covered = filesystem.step(vfs, root, nameOf(name));
    addMount(memory, machine.kernel.mounts, mount, covered, root);
    dropInode(vfs, covered);
    made.push(what);
  };
  mountAt("m", subject.make(machine, tree));
  mountAt("other", makeMemoryMount(machine, { file: "other" }));
  const fixture = new SyscallFixture(machine);
  fixture.context.onSleep = made[0].onSleep;
  const calls = new PosixCalls(fixture);
  try {
    body(calls, fixture);
  } finally {
    fixture.end();
    for (const { undo } of made.reverse()) undo();
  }
  machine.destroy();
  assert.equal(openDescriptors(), descriptors, "descriptors of the host left open");
}

export const memorySubject: Subject = {
  name: "in memory",
  make: (machine, tree) => makeMemoryMount(machine, tree),
};

export const hostSubject: Subject = {
  name: "host directory",
  departures: { microseconds: true },
  make: (machine, tree) => makeHostMount(machine, tree),
};

/** As on hosts where open directories cannot be walked from. */
export const hostByPathSubject: Subject = {
  name: "host directory by path",
  departures: { linksNoSymlinks: true, byPath: true, microseconds: true },
  make: (machine, tree) => makeHostMount(machine, tree, { pins: false }),
};

/** Makes an overlay over layers, each with its mount; the first is the writable one, or undefined. */
export function makeOverlay(
  machine: FixtureMachine,
  upper: Made | undefined,
  lowers: readonly Made[],
): Made {
  const { memory, kernel } = machine;
  const layers = upper === undefined ? lowers : [upper, ...lowers];
  for (const { mount } of layers) numberMount(memory, kernel.mounts, mount);
  const mount = createOverlayfs(
    kernel.vfs,
    upper?.mount ?? 0,
    lowers.map((layer) => layer.mount),
  );
  return {
    mount,
    undo: () => {
      destroyOverlayfs(kernel.vfs, mount);
      for (const layer of layers) layer.undo();
    },
  };
}

/** Spreads a tree over several: directories are in each, anything else in one of them by turns. */
function spread(tree: Tree, count: number): Tree[] {
  const trees = Array.from({ length: count }, (): Record<string, Tree[string]> => ({}));
  let turn = 0;
  for (const [where, what] of Object.entries(tree)) {
    if (what === null) for (const part of trees) part[where] = null;
    else trees[turn++ % count][where] = what;
  }
  return trees;
}

const LAYERED: Departures = {
  movesNoOldDirectories: true,
  breaksOldLinks: true,
  longestOldName: 251,
};

export const overlayOverMemorySubject: Subject = {
  name: "overlay, all in the layer below",
  departures: LAYERED,
  make: (machine, tree) =>
    makeOverlay(machine, makeMemoryMount(machine, {}), [makeMemoryMount(machine, tree, true)]),
};

export const overlayAboveSubject: Subject = {
  name: "overlay, all in the writable layer",
  make: (machine, tree) =>
    makeOverlay(machine, makeMemoryMount(machine, tree), [makeMemoryMount(machine, {}, true)]),
};

export const overlaySpreadSubject: Subject = {
  name: "overlay of four layers",
  departures: LAYERED,
  make: (machine, tree) => {
    const [first, ...rest] = spread(tree, 4).map((part, index) =>
      makeMemoryMount(machine, part, index > 0),
    );
    return makeOverlay(machine, first, rest);
  },
};

export const overlayOnHostSubject: Subject = {
  name: "overlay of host directories",
  departures: { ...LAYERED, microseconds: true },
  make: (machine, tree) =>
    makeOverlay(machine, makeHostMount(machine, {}), [
      makeHostMount(machine, tree, { readOnly: true }),
    ]),
};

export const overlayReadOnlySubject: Subject = {
  name: "overlay without a writable layer",
  make: (machine, tree) =>
    makeOverlay(
      machine,
      undefined,
      spread(tree, 3).map((part) => makeMemoryMount(machine, part, true)),
    ),
};

/** Mounts the bytes of an archive. */
export function makeArchive(machine: FixtureMachine, bytes: Uint8Array): Made {
  const { vfs } = machine.kernel;
  const mount = createArchivefs(vfs, bytes);
  return { mount, undo: () => destroyTmpfs(vfs, mount) };
}

export const tarSubject: Subject = {
  name: "tar archive",
  make: (machine, tree) => makeArchive(machine, tarTree(tree)),
};

export const zipSubject: Subject = {
  name: "zip archive, compressed",
  make: (machine, tree) => makeArchive(machine, zipTree(tree)),
};

export const zipStoredSubject: Subject = {
  name: "zip archive, stored",
  make: (machine, tree) => makeArchive(machine, zipTree(tree, false)),
};

export const overlayOverArchivesSubject: Subject = {
  name: "overlay over archives",
  departures: LAYERED,
  make: (machine, tree) => {
    const [first, second] = spread(tree, 2);
    return makeOverlay(machine, makeMemoryMount(machine, {}), [
      makeArchive(machine, tarTree(first)),
      makeArchive(machine, zipTree(second)),
    ]);
  },
};

export const memoryReadOnlySubject: Subject = {
  name: "memory, read-only",
  make: (machine, tree) => makeMemoryMount(machine, tree, true),
};

export const hostReadOnlySubject: Subject = {
  name: "host directory, read-only",
  make: (machine, tree) => makeHostMount(machine, tree, { readOnly: true }),
};

/** A tree as a filesystem of a library user, read-only, asked by the agent itself. */
export function makeUserMount(machine: FixtureMachine, tree: Tree): Made {
  const { kernel } = machine;
  const server = new UserFileServer(kernel, (operation, where, cause) => {
    throw new Error(`${operation} ${where}`, { cause });
  });
  installUserfs(kernel, server);
  const kinds = (what: Tree[string]) =>
    what === null ? "directory" : typeof what === "object" ? "symlink" : "file";
  const bytesOf = (where: string) => {
    const what = tree[where];
    return encoder.encode(what === null ? "" : typeof what === "object" ? what.link : what);
  };
  const mount = createUserfs(kernel.vfs, true);
  server.add(mount, {
    stat: (where) => {
      if (where === "") return { kind: "directory" };
      if (!Object.hasOwn(tree, where)) return undefined;
      return { kind: kinds(tree[where]), size: bytesOf(where).length, modified: new Date(1e12) };
    },
    readdir: (where) =>
      Object.keys(tree)
        .filter((name) => path.posix.dirname(`/${name}`) === `/${where}`)
        .map((name) => path.posix.basename(name)),
    read: (where, offset, length) => bytesOf(where).subarray(offset, offset + length),
    readlink: (where) => (tree[where] as { link: string }).link,
  });
  return { mount, undo: () => destroyUserfs(kernel.vfs, mount) };
}

export const userSubject: Subject = {
  name: "a user's own filesystem",
  make: makeUserMount,
};

/** What is in the store of a log. */
function treeOf(logs: readonly [MemoryLog, MemoryLog]): string {
  const machine = KernelMachine.create();
  installLogfs(machine.vfs);
  const { mount } = createLogfs(machine.vfs, [logs[0].bytes(), logs[1].bytes()])!;
  numberMount(machine.memory, machine.mounts, mount);
  const tree = describeTree(machine, mount, false);
  destroyLogfs(machine.vfs, mount);
  machine.destroy();
  return tree;
}

/** Files that a store keeps, made from what it holds. At the end the store must hold what the files are then. */
export const keptSubject: Subject = {
  name: "kept in a store",
  make: (machine, tree) => {
    const { memory, kernel } = machine;
    const { vfs } = kernel;
    installLogfs(vfs);
    const logs = [new MemoryLog(), new MemoryLog()] as const;
    const open = () => {
      const { mount, state } = createLogfs(vfs, [logs[0].bytes(), logs[1].bytes()])!;
      return { mount, keeper: new Keeper(vfs, mount, logs, state, assert.ifError) };
    };
    const first = open();
    fillMount(vfs, first.mount, tree);
    first.keeper.turn();
    destroyLogfs(vfs, first.mount);
    const { mount, keeper } = open();
    return {
      mount,
      onSleep: () => keeper.turn(),
      undo: () => {
        keeper.turn();
        const other = KernelMachine.attach(memory, kernel.mounts);
        installLogfs(other.vfs);
        assert.equal(treeOf(logs), describeTree(other, mount, false));
        destroyLogfs(vfs, mount);
      },
    };
  },
};
