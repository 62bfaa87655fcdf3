import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

test("signals that do nothing by default cut waits short only where the program has a handler", async () => {
  const { exitCode, stdout, stderr } = await shared.run("thread_quiet_signals");
  const calls = ["read", "write", "poll", "epoll"];
  const lines = [
    ...calls.map((call) => `default ${call}: 0\n`),
    ...calls.map((call) => `own ${call}: 27\n`),
  ];
  assert.deepEqual([exitCode, stderr, stdout], [0, "", lines.join("")]);
});
