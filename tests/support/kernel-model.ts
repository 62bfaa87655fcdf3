/**
 * A model of files in memory as plain objects, and random operations done to it and to a machine side by side. Every answer is compared, and
 * at the end every name, link count and byte.
 */
import assert from "node:assert/strict";
import { Filetype } from "../../src/abi/enums.ts";
import { Errno } from "../../src/abi/errno.ts";
import { Fdflags } from "../../src/abi/flags.ts";
import { Open, OpenFile } from "../../src/vfs/index.ts";
import type { KernelMachine } from "./kernel-machine.ts";
import { Random } from "./kernel-random.ts";

const { DIRECTORY, REGULAR_FILE, SYMBOLIC_LINK } = Filetype;
const LONGEST = 300_000;
const CHUNK = 65_536;

class Node {
  links = 0;
  bytes = new Uint8Array(0);
  readonly names = new Map<string, Node>();
  target = "";
  parent: Node | undefined;

  constructor(readonly type: number) {}
}

interface OpenPair {
  /** The open file of the machine. */
  file: number;
  node: Node;
  offset: number;
  append: boolean;
}

export class FileModel {
  private readonly root = new Node(DIRECTORY);
  private readonly open: OpenPair[] = [];
  private readonly random: Random;
  private isCovered = false;
  /** How often each operation gave each answer: for tests to see that they tried what they meant to. */
  readonly answers = new Map<string, number>();

  constructor(
    private readonly machine: KernelMachine,
    seed: number,
    /** Whether the machine may run out of memory: ENOSPC is then right anywhere, if it changes nothing. */
    private readonly mayBeFull = false,
    /** Whether the machine's root will be covered by another layer: hard links are not made before, directories from below are not renamed after. */
    private readonly isLayered = false,
  ) {
    this.random = new Random(seed);
    this.root.links = 2;
  }

  /** Does one random operation. */
  step(): void {
    const steps = [
      () => this.openFile(),
      () => this.openFile(),
      () => this.closeFile(),
      () => this.write(),
      () => this.write(),
      () => this.write(),
      () => this.read(),
      () => this.read(),
      () => this.truncate(),
      () => this.reserve(),
      () => this.makeDirectory(),
      () => this.remove("unlink"),
      () => this.remove("removeDirectory"),
      () => this.rename(),
      () => this.link(),
      () => this.symlink(),
      () => this.stat(),
    ];
    this.random.pick(steps)();
  }

  /** Closes all files and covers the machine's root with a new layer. */
  cover(): void {
    this.finish();
    this.machine.coverRoot();
    this.isCovered = true;
  }

  /** Closes all files; compares the whole tree. */
  finish(): void {
    while (this.open.length > 0) this.closeFile();
    this.compareTree("", this.root);
  }

  private compareTree(path: string, node: Node): void {
    const { machine } = this;
    assert.deepEqual(machine.names(path === "" ? "/" : path), [...node.names.keys()].sort(), path);
    const file = machine.open(path === "" ? "/" : path, Open.read | Open.directory);
    assert.ok(file > 0);
    const listed = machine.list(file);
    assert.ok(typeof listed !== "number");
    assert.deepEqual(
      listed.slice(2).map((entry) => entry.type),
      listed.slice(2).map((entry) => node.names.get(entry.name)?.type),
      path,
    );
    machine.close(file);
    for (const [name, child] of node.names) {
      const below = `${path}/${name}`;
      this.compareStat(below, child);
      if (child.type === DIRECTORY) this.compareTree(below, child);
      else if (child.type === SYMBOLIC_LINK) assert.equal(machine.readlink(below), child.target);
      else {
        const opened = machine.open(below, Open.read);
        assert.ok(opened > 0);
        this.compareBytes(machine.read(opened, child.bytes.length + 1, 0), child.bytes, below);
        machine.close(opened);
      }
    }
  }

  private compareStat(path: string, node: Node): void {
    const stat = this.machine.statOf(path, false);
    assert.ok(typeof stat !== "number", path);
    const size = node.type === SYMBOLIC_LINK ? node.target.length : node.bytes.length;
    // Layered directories do not count what is in them.
    const links = node.type === DIRECTORY && this.isCovered ? stat.links : node.links;
    const shown = [stat.type, stat.links, node.type === DIRECTORY ? 0 : stat.size];
    assert.deepEqual(shown, [node.type, links, size], path);
  }

  private compareBytes(read: Uint8Array | number, expected: Uint8Array, what: string): void {
    assert.ok(typeof read !== "number", `${what}: ${read}`);
    if (Buffer.compare(read, expected) !== 0) assert.deepEqual(read, expected, what);
  }

  /** Compares an answer. True when the model must do the same now. */
  private agree(what: string, answer: number, expected: number): boolean {
    const key = `${what} ${answer < 0 ? answer : 0}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
    if (this.mayBeFull && answer === -Errno.ENOSPC && expected >= 0) return false;
    assert.equal(answer, expected, what);
    return answer >= 0;
  }

  /** A random directory of the model with its path. */
  private directory(): { path: string; node: Node } {
    let node = this.root;
    let path = "";
    while (!this.random.oneIn(3)) {
      const below = [...node.names].filter(([, child]) => child.type === DIRECTORY);
      if (below.length === 0) break;
      const [name, child] = this.random.pick(below);
      path += `/${name}`;
      node = child;
    }
    return { path, node };
  }

  /** A random place for a name: few names, so that many exist. */
  private place(): Place {
    const { path, node } = this.directory();
    const name = this.random.pick(["a", "b", "cc", "a-longer-name", "n".repeat(100), "dé"]);
    return { path: `${path}/${name}`, in: node, name, node: node.names.get(name) };
  }

  /** A position or length, often close to where blocks begin and end. */
  private extent(): number {
    const near = this.random.pick([0, 0, 100, 1000, CHUNK, 2 * CHUNK, 4 * CHUNK]);
    return Math.max(0, Math.min(LONGEST, near + this.random.below(200) - 100));
  }

  private openFile(): void {
    const { random, machine } = this;
    const place = this.place();
    const flag = (value: number) => (random.oneIn(2) ? value : 0);
    const request =
      Open.read |
      // A file of the lower layer that is only read would stay the old one.
      (this.isCovered ? Open.write : flag(Open.write)) |
      flag(Open.create) |
      (random.oneIn(4) ? Open.exclusive : 0) |
      (random.oneIn(4) ? Open.truncate : 0);
    const append = random.oneIn(4);
    const create = (request & Open.create) !== 0;
    let expected = 1;
    if (place.node === undefined) expected = create ? 1 : -Errno.ENOENT;
    else if (create && (request & Open.exclusive) !== 0) expected = -Errno.EEXIST;
    // Links lead to a name that is never there: opening creates nothing in a directory that does not exist.
    else if (place.node.type === SYMBOLIC_LINK) expected = -Errno.ENOENT;
    else if (place.node.type === DIRECTORY) {
      expected = (request & (Open.write | Open.create | Open.truncate)) !== 0 ? -Errno.EISDIR : 1;
    }
    const file = machine.open(place.path, request, append ? Fdflags.APPEND : 0);
    if (!this.agree("open", Math.min(file, 1), expected)) return;
    let { node } = place;
    if (node === undefined) {
      node = new Node(REGULAR_FILE);
      node.links = 1;
      place.in.names.set(place.name, node);
    }
    if (node.type === DIRECTORY || this.open.length >= 12) {
      if ((request & Open.truncate) !== 0) node.bytes = new Uint8Array(0);
      return machine.close(file);
    }
    if ((request & Open.truncate) !== 0) node.bytes = new Uint8Array(0);
    this.open.push({ file, node, offset: 0, append });
  }

  private closeFile(): void {
    if (this.open.length === 0) return;
    const [pair] = this.open.splice(this.random.below(this.open.length), 1);
    this.machine.close(pair.file);
  }

  private write(): void {
    if (this.open.length === 0) return;
    const { random } = this;
    const pair = random.pick(this.open);
    const { node } = pair;
    const positioned = random.oneIn(2);
    if (!positioned && random.oneIn(3)) this.seek(pair, this.extent());
    const bytes = new Uint8Array(random.oneIn(8) ? this.extent() : random.below(300));
    const start = random.below(256);
    for (let index = 0; index < bytes.length; index++) bytes[index] = start + index * 7;
    const position = positioned ? this.extent() : pair.append ? node.bytes.length : pair.offset;
    if (position + bytes.length > LONGEST) return;
    const answer = this.machine.write(pair.file, bytes, positioned ? position : undefined);
    const partial = this.mayBeFull && answer > 0 && answer < bytes.length;
    if (!this.agree("write", answer, partial ? answer : bytes.length) || answer === 0) return;
    this.resize(node, Math.max(node.bytes.length, position + answer));
    node.bytes.set(bytes.subarray(0, answer), position);
    if (!positioned) pair.offset = position + answer;
    assert.equal(OpenFile.offset.get(this.machine.memory, pair.file), pair.offset);
  }

  private read(): void {
    if (this.open.length === 0) return;
    const pair = this.random.pick(this.open);
    const positioned = this.random.oneIn(2);
    if (!positioned && this.random.oneIn(2)) this.seek(pair, this.extent());
    const position = positioned ? this.extent() : pair.offset;
    const length = this.extent();
    const read = this.machine.read(pair.file, length, positioned ? position : undefined);
    const expected = pair.node.bytes.subarray(position, position + length);
    this.compareBytes(read, expected, `read ${length} at ${position}`);
    if (!positioned) pair.offset = position + expected.length;
    assert.equal(OpenFile.offset.get(this.machine.memory, pair.file), pair.offset);
  }

  private seek(pair: OpenPair, offset: number): void {
    pair.offset = offset;
    OpenFile.offset.set(this.machine.memory, pair.file, offset);
  }

  private truncate(): void {
    if (this.open.length === 0) return;
    const pair = this.random.pick(this.open);
    const size = this.extent();
    if (this.agree("truncate", this.machine.truncate(pair.file, size), 0)) {
      this.resize(pair.node, size);
    }
  }

  private reserve(): void {
    if (this.open.length === 0) return;
    const { vfs } = this.machine;
    const pair = this.random.pick(this.open);
    const end = this.extent();
    if (this.agree("allocate", vfs.operationsOf(pair.file).allocate(vfs, pair.file, end), 0)) {
      this.resize(pair.node, Math.max(end, pair.node.bytes.length));
    }
  }

  private resize(node: Node, size: number): void {
    if (size === node.bytes.length) return;
    const bytes = new Uint8Array(size);
    bytes.set(node.bytes.subarray(0, size));
    node.bytes = bytes;
  }

  private makeDirectory(): void {
    const place = this.place();
    const expected = place.node === undefined ? 0 : -Errno.EEXIST;
    if (!this.agree("mkdir", this.machine.makeDirectory(place.path), expected)) return;
    const node = new Node(DIRECTORY);
    node.links = 2;
    node.parent = place.in;
    place.in.links++;
    place.in.names.set(place.name, node);
  }

  private symlink(): void {
    const place = this.place();
    const target = `none/${"t".repeat(1 + this.random.below(199))}`;
    const expected = place.node === undefined ? 0 : -Errno.EEXIST;
    if (!this.agree("symlink", this.machine.symlink(target, place.path), expected)) return;
    const node = new Node(SYMBOLIC_LINK);
    node.links = 1;
    node.target = target;
    place.in.names.set(place.name, node);
  }

  private remove(operation: "unlink" | "removeDirectory"): void {
    const place = this.place();
    const { node } = place;
    let expected = 0;
    if (node === undefined) expected = -Errno.ENOENT;
    else if (operation === "unlink") expected = node.type === DIRECTORY ? -Errno.EISDIR : 0;
    else if (node.type !== DIRECTORY) expected = -Errno.ENOTDIR;
    else if (node.names.size > 0) expected = -Errno.ENOTEMPTY;
    if (!this.agree(operation, this.machine[operation](place.path), expected)) return;
    this.dropName(place.in, place.name);
  }

  private dropName(from: Node, name: string): void {
    const node = from.names.get(name);
    if (node === undefined) return;
    from.names.delete(name);
    if (node.type !== DIRECTORY) node.links--;
    else {
      node.links = 0;
      from.links--;
    }
  }

  private rename(): void {
    const from = this.place();
    const to = this.place();
    const answer = this.machine.rename(from.path, to.path);
    const expected = expectedRename(from, to);
    const refused = this.isCovered && answer === -Errno.EXDEV && from.node?.type === DIRECTORY;
    if (!this.agree("rename", answer, refused && expected === 0 ? answer : expected)) return;
    if (from.node === undefined || from.node === to.node) return;
    this.dropName(to.in, to.name);
    from.in.names.delete(from.name);
    to.in.names.set(to.name, from.node);
    if (from.node.type === DIRECTORY) {
      from.in.links--;
      to.in.links++;
      from.node.parent = to.in;
    }
  }

  private link(): void {
    if (this.isLayered && !this.isCovered) return;
    const from = this.place();
    const to = this.place();
    let expected = 0;
    if (from.node === undefined) expected = -Errno.ENOENT;
    else if (to.node !== undefined) expected = -Errno.EEXIST;
    else if (from.node.type === DIRECTORY) expected = -Errno.EPERM;
    if (!this.agree("link", this.machine.link(from.path, to.path), expected)) return;
    if (from.node === undefined) return;
    from.node.links++;
    to.in.names.set(to.name, from.node);
  }

  private stat(): void {
    const place = this.place();
    if (place.node !== undefined) this.compareStat(place.path, place.node);
    else assert.equal(this.machine.statOf(place.path, false), -Errno.ENOENT);
  }
}

/** A name in a directory, and what it stands for there. */
interface Place {
  path: string;
  in: Node;
  name: string;
  node: Node | undefined;
}

function expectedRename({ in: from, node }: Place, { in: to, node: replaced }: Place): number {
  if (node === undefined) return -Errno.ENOENT;
  if (node.type === DIRECTORY) {
    if (isWithin(to, node)) return -Errno.EINVAL;
  }
  if (replaced === undefined || replaced === node) return 0;
  if (replaced.type !== DIRECTORY) return node.type === DIRECTORY ? -Errno.ENOTDIR : 0;
  if (replaced.names.size > 0 && (node.type === DIRECTORY || isWithin(from, replaced)))
    return -Errno.ENOTEMPTY;
  return node.type === DIRECTORY ? 0 : -Errno.EISDIR;
}

function isWithin(directory: Node, ancestor: Node): boolean {
  for (let above: Node | undefined = directory; above !== undefined; above = above.parent) {
    if (above === ancestor) return true;
  }
  return false;
}
