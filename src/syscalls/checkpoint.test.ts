import assert from "node:assert/strict";
import test from "node:test";
import { withProcess } from "../../tests/support/syscall-fixture.ts";
import { Errno } from "../abi/errno.ts";
import { endMessage, Process } from "../kernel/index.ts";

test(
  "a program without asyncify gets an errno, and its pointers are checked first",
  withProcess((fixture) => {
    const at = fixture.reserve(32);
    assert.equal(fixture.call("stack_checkpoint", at, at + 24), Errno.ENOTSUP);
    assert.equal(fixture.call("stack_checkpoint", -8, at + 24), Errno.EMEMVIOLATION);
    assert.equal(fixture.call("stack_checkpoint", at, -4), Errno.EMEMVIOLATION);
  }),
);

for (const [snapshot, code, reason] of [
  [8, 79, /no such checkpoint/],
  [-8, 78, /outside the memory/],
] as const) {
  test(
    `going back to what is no checkpoint ends the process with ${code}`,
    withProcess((fixture) => {
      assert.equal(fixture.call("stack_restore", snapshot, 0n), "process exit");
      const { memory } = fixture.machine;
      assert.equal(Process.exitCode.get(memory, fixture.process), code);
      assert.match(endMessage(memory, fixture.process)!, reason);
    }),
  );
}
