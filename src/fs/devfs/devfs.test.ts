import assert from "node:assert/strict";
import { getRandomValues } from "node:crypto";
import test from "node:test";
import { KernelMachine } from "../../../tests/support/kernel-machine.ts";
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { makeOpenFile, Open, OperationsId, Transfer } from "../../vfs/index.ts";
import { createTmpfs } from "../tmpfs/index.ts";
import { installDevfs } from "./driver.ts";
import { createDevfs } from "./index.ts";

const { read, write, create, exclusive, truncate, directory } = Open;
const DEVICES = ["full", "null", "random", "tty", "urandom", "zero"];
const LINKS = ["fd", "stderr", "stdin", "stdout"];
const NAMES = [...DEVICES, ...LINKS, "shm"].sort();

/** The browser's generator: refuses shared memory and more than 65,536 bytes. */
const randomness = { fill: (bytes: Uint8Array) => void getRandomValues(bytes) };

function onMachine(name: string, body: (machine: KernelMachine) => void): void {
  test(name, () => {
    const machine = KernelMachine.create();
    installDevfs(machine.vfs, randomness);
    machine.makeDirectory("/dev");
    machine.mount("/dev", createDevfs(machine.vfs));
    body(machine);
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  });
}

onMachine("null is empty and swallows", (machine) => {
  const file = machine.open("/dev/null", read | write | create | truncate);
  assert.equal(machine.write(file, "gone"), 4);
  assert.deepEqual(machine.read(file, 10), new Uint8Array(0));
  machine.close(file);
});

onMachine("zero and full give zeros, full has no room", (machine) => {
  const guest = new Uint8Array(100_000).fill(1);
  for (const [path, answer, toNothing] of [
    ["/dev/zero", 3, 0],
    ["/dev/full", -Errno.ENOSPC, -Errno.ENOSPC],
  ] as const) {
    const file = machine.open(path, read | write);
    const transfer = new Transfer().single(guest.fill(1), 10, 90_000);
    assert.equal(machine.vfs.operationsOf(file).read(machine.vfs, file, transfer, -1), 90_000);
    assert.deepEqual([guest[9], guest[10], guest[90_009], guest[90_010]], [1, 0, 0, 1]);
    assert.ok(guest.subarray(10, 90_010).every((byte) => byte === 0));
    assert.equal(machine.write(file, "abc"), answer);
    assert.equal(machine.write(file, ""), toNothing);
    machine.close(file);
  }
});

onMachine("random bytes fill all that was asked for, shared memory too", (machine) => {
  const shared = new Uint8Array(new SharedArrayBuffer(300_000));
  for (const path of ["/dev/random", "/dev/urandom"]) {
    const file = machine.open(path, read);
    const operations = machine.vfs.operationsOf(file);
    for (const length of [1, 16, 1024, 1025, 65_536, 65_537, 250_000]) {
      shared.fill(0);
      const transfer = new Transfer().single(shared, 7, length);
      assert.equal(operations.read(machine.vfs, file, transfer, -1), length);
      assert.equal(shared[6], 0);
      assert.equal(shared[7 + length], 0);
      // A run of 64 zero bytes has a chance of 2^-512.
      for (let at = 7; at + 64 <= 7 + length; at += 64) {
        assert.ok(
          shared.subarray(at, at + 64).some((byte) => byte !== 0),
          `zeros at ${at}`,
        );
      }
    }
    const again = [machine.read(file, 32), machine.read(file, 32)];
    assert.notDeepEqual(again[0], again[1]);
    assert.equal(machine.write(file, "seed"), 4);
    machine.close(file);
  }
});

onMachine("one read of random bytes is bounded", (machine) => {
  const file = machine.open("/dev/urandom", read);
  const answer = machine.read(file, 2 ** 25 + 5);
  assert.equal((answer as Uint8Array).length, 2 ** 25 - 1);
  machine.close(file);
});

onMachine("the directory lists the devices and does not change", (machine) => {
  assert.deepEqual(machine.names("/dev"), NAMES);
  const file = machine.open("/dev", read | directory);
  const all = machine.list(file);
  assert.ok(typeof all !== "number");
  const pieces = [];
  for (let cookie = 0; ;) {
    const piece = machine.list(file, cookie, 1);
    assert.ok(typeof piece !== "number");
    if (piece.length === 0) break;
    pieces.push(piece[0]);
    cookie = piece[0].cookie;
  }
  assert.deepEqual(pieces, all);
  machine.close(file);
  assert.equal(machine.open("/dev/new", write | create), -Errno.EACCES);
  assert.equal(machine.open("/dev/new", read), -Errno.ENOENT);
  assert.equal(machine.open("/dev/null", write | create | exclusive), -Errno.EEXIST);
  assert.equal(machine.open("/dev/null", read | directory), -Errno.ENOTDIR);
  assert.equal(machine.open("/dev/null/x", read), -Errno.ENOTDIR);
  assert.equal(machine.makeDirectory("/dev/d"), -Errno.EACCES);
  assert.equal(machine.makeDirectory("/dev/null"), -Errno.EEXIST);
  assert.equal(machine.symlink("x", "/dev/s"), -Errno.EACCES);
  assert.equal(machine.readlink("/dev/null"), -Errno.EINVAL);
  assert.equal(machine.unlink("/dev/null"), -Errno.EACCES);
  assert.equal(machine.removeDirectory("/dev/null"), -Errno.ENOTDIR);
  assert.equal(machine.rename("/dev/null", "/dev/other"), -Errno.EACCES);
  assert.equal(machine.link("/dev/null", "/dev/other"), -Errno.EACCES);
  assert.deepEqual(machine.names("/dev"), NAMES);
});

onMachine("devices are described as such", (machine) => {
  const stats = DEVICES.map((name) => machine.statOf(`/dev/${name}`));
  const numbers = new Set<number>();
  for (const stat of stats) {
    assert.ok(typeof stat !== "number");
    assert.equal(stat.type, Filetype.CHARACTER_DEVICE);
    assert.equal(stat.size, 0);
    assert.ok(stat.modifiedHigh > 0);
    numbers.add(stat.inodeLow);
  }
  assert.equal(numbers.size, DEVICES.length);
  const file = machine.open("/dev/null", read);
  machine.vfs.operationsOf(file).stat(machine.vfs, file, machine.stat);
  assert.deepEqual({ ...machine.stat }, { ...(stats[DEVICES.indexOf("null")] as object) });
  machine.close(file);
});

onMachine("links lead to the descriptors of whoever asks", (machine) => {
  assert.equal(machine.readlink("/dev/fd"), "/proc/self/fd");
  assert.equal(machine.readlink("/dev/stdin"), "/proc/self/fd/0");
  assert.equal(machine.readlink("/dev/stdout"), "/proc/self/fd/1");
  assert.equal(machine.readlink("/dev/stderr"), "/proc/self/fd/2");
  const stat = machine.statOf("/dev/stdin", false);
  assert.ok(typeof stat !== "number");
  assert.deepEqual([stat.type, stat.size], [Filetype.SYMBOLIC_LINK, 15]);
  assert.equal(machine.open("/dev/stdin", write | create | exclusive), -Errno.EEXIST);
  assert.equal(machine.unlink("/dev/stdin"), -Errno.EACCES);
});

onMachine("memory is mounted on shm", (machine) => {
  const shm = machine.open("/dev/shm", read | directory);
  assert.ok(shm > 0);
  machine.close(shm);
  assert.equal(machine.open("/dev/shm", write), -Errno.EISDIR);
  assert.equal(machine.open("/dev/shm/new", write | create), -Errno.EACCES);
  assert.equal(machine.removeDirectory("/dev/shm"), -Errno.EACCES);
  assert.equal(machine.unlink("/dev/shm"), -Errno.EACCES);
  machine.mount("/dev/shm", createTmpfs(machine.vfs));
  const file = machine.open("/dev/shm/../shm/new", write | create);
  assert.ok(file > 0);
  machine.close(file);
  assert.deepEqual(machine.names("/dev/shm"), ["new"]);
  assert.deepEqual(machine.names("/dev/shm/.."), NAMES);
});

onMachine("there is a terminal only where one is given", (machine) => {
  assert.equal(machine.open("/dev/tty", read | write), -Errno.ENXIO);
  installDevfs(machine.vfs, randomness, (vfs, access, flags) =>
    makeOpenFile(vfs.memory, OperationsId.device, Filetype.CHARACTER_DEVICE, access, flags),
  );
  const file = machine.open("/dev/tty", read | write);
  assert.ok(file > 0);
  machine.close(file);
});
