import assert from "node:assert/strict";
import test from "node:test";
import { KernelMachine } from "../../../tests/support/kernel-machine.ts";
import { FileModel } from "../../../tests/support/kernel-model.ts";
import { Errno } from "../../abi/errno.ts";
import { usedBytes } from "../../shm/index.ts";
import { Open } from "../../vfs/index.ts";

for (let seed = 1; seed <= 6; seed++) {
  test(`random operations agree with a model: seed ${seed}`, () => {
    const machine = KernelMachine.create();
    const model = new FileModel(machine, seed);
    for (let step = 0; step < 6000; step++) model.step();
    model.finish();
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
    for (const answer of ["open 0", "rename 0", `rename -${Errno.ENOTEMPTY}`, "link 0"]) {
      assert.ok(model.answers.has(answer), `${answer} never came`);
    }
  });
}

for (let seed = 101; seed <= 106; seed++) {
  test(`a full heap fails operations whole: seed ${seed}`, () => {
    const machine = KernelMachine.create({ limit: 2 ** 21 });
    // What is left over is little, so that small records run out as well.
    const ballast = machine.open("/ballast", Open.read | Open.write | Open.create);
    machine.unlink("/ballast");
    const free = 2 ** 21 - usedBytes(machine.memory);
    machine.write(ballast, new Uint8Array(free - (seed % 2 === 0 ? 100_000 : 400_000)));
    const model = new FileModel(machine, seed, true);
    for (let step = 0; step < 5000; step++) model.step();
    model.finish();
    machine.close(ballast);
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
    assert.ok((model.answers.get(`write -${Errno.ENOSPC}`) ?? 0) > 10, "the heap never was full");
  });
}

test("every kind of operation answers ENOSPC on a full heap and leaves all as it was", () => {
  const machine = KernelMachine.create({ limit: 2 ** 21 });
  machine.put("/f", "old");
  machine.makeDirectory("/d");
  const file = machine.open("/f", Open.read | Open.write);
  const sizes = [65536, 4096, 512, 64, 1];
  const fillers: number[] = [];
  for (const size of sizes) {
    for (;;) {
      const filler = machine.open(`/filler${fillers.length}`, Open.write | Open.create);
      if (filler < 0) break;
      fillers.push(filler);
      if (machine.write(filler, new Uint8Array(size)) < size) break;
    }
  }
  while (machine.makeDirectory(`/d/${"x".repeat(200)}${fillers.length}`) === 0) fillers.push(0);
  // The record of an open file, to look at what is there.
  machine.close(fillers.shift()!);
  const names = machine.names("/");
  assert.ok(typeof names !== "number");
  const before = usedBytes(machine.memory);
  const long = "n".repeat(255);
  for (let round = 0; round < 3; round++) {
    assert.equal(machine.open(`/${long}`, Open.write | Open.create), -Errno.ENOSPC);
    assert.equal(machine.makeDirectory(`/${long}`), -Errno.ENOSPC);
    assert.equal(machine.symlink(long, `/${long}`), -Errno.ENOSPC);
    assert.equal(machine.link("/f", `/${long}`), -Errno.ENOSPC);
    assert.equal(machine.rename("/f", `/${long}`), -Errno.ENOSPC);
    assert.equal(machine.write(file, new Uint8Array(70_000), 100_000), -Errno.ENOSPC);
    const { vfs } = machine;
    assert.equal(vfs.operationsOf(file).allocate(vfs, file, 2 ** 30), -Errno.ENOSPC);
  }
  assert.equal(usedBytes(machine.memory), before);
  assert.deepEqual(machine.names("/"), names);
  assert.equal(machine.text("/f"), "old");
  assert.equal(machine.rename("/f", "/filler0"), 0, "replacing a name needs no memory");
  machine.close(file);
  for (const filler of fillers) if (filler > 0) machine.close(filler);
  assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
});
