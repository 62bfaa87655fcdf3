import assert from "node:assert/strict";
import test from "node:test";
import { SelfMachine } from "../support/self-guest.ts";

const guest = new SelfMachine("process_signals");

for (const name of ["interval", "interrupt", "child", "stop", "groups", "compute-children"]) {
  test(`signals: ${name}`, async () => {
    const { exitCode, stdout, stderr } = await guest.run([name]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", ""]);
  });
}

test("a default action of the C library's that ends the program is not told of", async () => {
  const { signal, stderr } = await guest.run(["ending"]);
  assert.deepEqual([signal, stderr], [15, ""]);
});

for (const seed of ["1", "2"]) {
  test(`signals from everywhere at everything, seed ${seed}`, async () => {
    const { exitCode, stdout, stderr } = await guest.run(["storm", seed]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", ""]);
  });
}

test("a signal that is typed at a terminal reaches every process of it", async () => {
  const process = await guest.spawn(["terminal"], {
    terminal: {},
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: string[] = [];
  for await (const line of process.stdout!.lines()) {
    lines.push(line);
    if (line === "ready") void process.terminal!.type("\x03");
  }
  assert.deepEqual(lines, ["ready", "both"]);
  assert.equal((await process.wait()).exitCode, 0);
});

test("the host stops a program and lets it go on", async () => {
  const process = await guest.spawn(["tick"]);
  const reader = process.stdout![Symbol.asyncIterator]();
  assert.equal((await reader.next()).done, false);
  process.signal("SIGSTOP");
  process.signal("SIGCONT");
  for (let piece = 0; piece < 5; piece++) assert.equal((await reader.next()).done, false);
  process.signal("SIGSTOP");
  process.kill();
  assert.equal((await process.exited()).signal, 9);
});
