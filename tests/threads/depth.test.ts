// A guest may call when it has used up nearly all of the stack, which the kernel's code shares. No call may then stop half-way.
import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

const CALLS: [letter: string, name: string][] = [
  ["w", "fd_write"],
  ["f", "futex_wake_all"],
  ["t", "futex_wait"],
  ["p", "a pipe's fd_write and fd_read"],
  ["o", "path_open"],
  ["c", "clock_time_get"],
  ["j", "thread_join"],
];

for (const [letter, name] of CALLS) {
  test(`the guest recurses to every depth before ${name}`, async () => {
    for (const frame of ["0", "1"]) {
      const main = await shared.run("thread_depth", [letter, frame]);
      assert.deepEqual([main.exitCode, main.stderr], [45, ""]);
      assert.match(main.message!, /stack overflow/);
      const thread = await shared.run("thread_depth", [letter, frame, "thread"]);
      assert.deepEqual([thread.exitCode, thread.stderr], [129, ""]);
      assert.match(thread.message!, /stack overflow/);
    }
    // Nothing is held: the next process does the same calls.
    const next = await shared.run("thread_shares", [], { env: { NAME: "abc" }, cwd: "/" });
    assert.equal(next.exitCode, 0, next.stderr);
    const machine = await shared.machine;
    for (const path of ["/deep/er", "/deep", "/shared.txt", "/file"])
      await machine.fs.rm(path, { recursive: true }).catch(() => {});
  });
}
