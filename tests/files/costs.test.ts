// What the hottest calls on files in memory do besides their work: the locks they take, in order, and the blocks of the kernel heap that they take and give
// back. The table of docs/architecture.md says the same.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { Fdflags, Lookupflags, Oflags, Rights } from "../../src/abi/flags.ts";
import { openPipe, installFile, ALL_RIGHTS, Process } from "../../src/kernel/index.ts";
import { Header, LockOrder } from "../../src/shm/index.ts";
import { root } from "../docs/examples.ts";
import { FixtureMachine, SyscallFixture } from "../support/syscall-fixture.ts";

/** Notes every lock of a record that is taken. Those of the allocator are not among them. */
class NotingLockOrder extends LockOrder {
  taken: string[] = [];

  override acquired(...args: Parameters<LockOrder["acquired"]>): void {
    this.taken.push(args[0]);
    super.acquired(...args);
  }
}

/** Counts changes of the number of bytes in use: one for each block that is taken or given back. Those of pools do not change it. */
function countBlocks(action: () => void): number {
  const { add, sub } = Atomics;
  let blocks = 0;
  const counting = (real: typeof Atomics.add) => (array: Int32Array, index: number, by: number) => {
    if (index === Header.used >> 2) blocks++;
    return real(array, index, by);
  };
  Object.assign(Atomics, { add: counting(add), sub: counting(sub) });
  try {
    action();
  } finally {
    Object.assign(Atomics, { add, sub });
  }
  return blocks;
}

test("the ten hottest calls take the locks and blocks that the table says", async () => {
  const lockOrder = new NotingLockOrder();
  const machine = new FixtureMachine({ lockOrder });
  const fixture = new SyscallFixture(machine);
  const { memory } = machine;
  const { vfs } = machine.kernel;
  const files = Process.files.get(memory, fixture.process);
  const all = 0x3fffffffn;
  const path = fixture.path("directory/file");
  const result = fixture.reserve(4096);
  fixture.do("path_create_directory", 3, ...fixture.path("directory"));
  const open = [3, Lookupflags.SYMLINK_FOLLOW, ...path, Oflags.CREAT, all, all] as const;
  fixture.do("path_open", ...open, Fdflags.APPEND, result);
  const file = fixture.u32(result);
  // So that it need not grow.
  fixture.do("fd_allocate", file, 0n, 4096n);
  fixture.do("fd_filestat_set_size", file, 1000n);
  const rights = BigInt(Rights.FD_READDIR);
  const at = fixture.path("directory");
  fixture.do("path_open", 3, 0, ...at, Oflags.DIRECTORY, rights, 0n, 0, result);
  const directory = fixture.u32(result);
  const [reading, writing] = openPipe(vfs)!.map((end) =>
    installFile(memory, files, end, ALL_RIGHTS),
  );
  const [buffers, count] = fixture.buffers([fixture.reserve(64), 64]);
  let opened = 0;
  const calls: Readonly<Record<string, () => void>> = {
    fd_write: () => fixture.do("fd_write", file, buffers, count, result),
    fd_read: () => fixture.do("fd_read", file, buffers, count, result),
    fd_pread: () => fixture.do("fd_pread", file, buffers, count, 0n, result),
    fd_seek: () => fixture.do("fd_seek", file, 0n, 0, result),
    fd_filestat_get: () => fixture.do("fd_filestat_get", file, result),
    path_filestat_get: () => fixture.do("path_filestat_get", 3, 1, ...path, result),
    path_open: () => {
      fixture.do("path_open", ...open, 0, result);
      opened = fixture.u32(result);
    },
    fd_close: () => fixture.do("fd_close", opened),
    fd_readdir: () => fixture.do("fd_readdir", directory, result + 8, 1000, 0n, result),
    "fd_write to a pipe": () => fixture.do("fd_write", writing, buffers, count, result),
    "fd_read from a pipe": () => fixture.do("fd_read", reading, buffers, count, result),
  };
  const rows: string[] = [];
  // The first round takes what later ones only use.
  for (let round = 0; round < 2; round++) {
    rows.length = 0;
    for (const [name, call] of Object.entries(calls)) {
      lockOrder.taken = [];
      const blocks = countBlocks(call);
      const locks = lockOrder.taken.map((lock) => lock.replace(/\.lock$/, "")).join(", ");
      rows.push(`${name} | ${locks === "" ? "none" : locks} | ${blocks}`);
    }
  }
  const page = await readFile(join(root, "docs/architecture.md"), "utf8");
  const table = [
    ...page.matchAll(/^\| `?(fd_\w+|path_\w+)`?([\w ]*?) *\| ([^|]*?) *\| (\d+) *\|/gm),
  ];
  assert.deepEqual(
    rows,
    table.map(([, name, more, locks, blocks]) => `${name}${more.trimEnd()} | ${locks} | ${blocks}`),
  );
  fixture.end();
  machine.destroy();
});
