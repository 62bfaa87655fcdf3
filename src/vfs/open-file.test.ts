import assert from "node:assert/strict";
import test from "node:test";
import { KernelMachine } from "../../tests/support/kernel-machine.ts";
import { dropFile, keepFile, Open, OpenFile, tryKeepFile } from "./index.ts";

test("a file with no count left cannot be kept", () => {
  const machine = KernelMachine.create();
  const { memory, vfs } = machine;
  const file = machine.open("/f", Open.read | Open.create);
  assert.equal(keepFile(memory, file), file);
  assert.ok(tryKeepFile(memory, file));
  assert.equal(OpenFile.refs.load(memory, file), 3);
  for (let count = 0; count < 3; count++) dropFile(vfs, file);
  assert.equal(tryKeepFile(memory, file), false);
  assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
});
