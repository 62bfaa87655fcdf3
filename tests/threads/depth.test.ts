// A guest may call when it has used up nearly all of the stack, which the kernel's code shares. No call may then stop half-way.
import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

const CALLS: [letter: string, name: string][] = [
  ["w", "fd_write"],
  ["t", "futex_wait"],
  ["o", "path_open"],
];

for (const [letter, name] of CALLS) {
  test(`the guest recurses to every depth before ${name}`, async () => {
    const main = await shared.run("thread_depth", [letter]);
    assert.deepEqual([main.exitCode, main.stderr], [45, ""]);
    assert.match(main.message!, /stack overflow/);
    const thread = await shared.run("thread_depth", [letter, "thread"]);
    assert.deepEqual([thread.exitCode, thread.stderr], [129, ""]);
    assert.match(thread.message!, /stack overflow/);
    // Nothing is held: the next process does the same calls.
    const next = await shared.run("thread_shares", [], { env: { NAME: "abc" }, cwd: "/" });
    assert.equal(next.exitCode, 0, next.stderr);
    const machine = await shared.machine;
    for (const path of ["/deep/er", "/deep", "/shared.txt", "/file"])
      await machine.fs.rm(path, { recursive: true }).catch(() => {});
  });
}
