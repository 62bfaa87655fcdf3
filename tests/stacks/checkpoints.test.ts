import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

async function runCase(name: string): Promise<[number, string, string | undefined]> {
  const { exitCode, stdout, stderr, message } = await shared.run("stack_checkpoints", [name]);
  return [exitCode, stdout + stderr, message];
}

for (const [name, what] of [
  ["values", "a checkpoint returns again with each value"],
  ["deep", "jumps out of deep calls, with locals of every type"],
  ["loop", "thousands of checkpoints at one place"],
  ["nested", "checkpoints within checkpoints"],
  ["threads", "each thread has its own"],
  ["crowded", "a stack without room answers an errno and nothing is overwritten"],
  ["handlers", "a signal's handler jumps out of the call that it came in"],
] as const) {
  test(what, async () => {
    assert.deepEqual(await runCase(name), [0, `${name}: done\n`, undefined]);
  });
}

for (const [name, code, reason] of [
  ["unknown", 79, /no such checkpoint/],
  ["dead", 79, /no such checkpoint/],
  ["lost", 79, /no such checkpoint/],
  ["pointers", 78, /outside the memory/],
] as const) {
  test(`the process ends with ${code}: ${name}`, async () => {
    const [exitCode, output, message] = await runCase(name);
    assert.deepEqual([exitCode, output], [code, ""]);
    assert.match(message!, reason);
  });
}
