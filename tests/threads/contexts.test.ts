import assert from "node:assert/strict";
import test from "node:test";
import { Errno } from "../../src/abi/errno.ts";
import { canSuspendStacks } from "../../src/loader/suspension.ts";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

const options = { skip: canSuspendStacks ? false : "this engine cannot suspend stacks" };

async function runCase(name: string): Promise<[number, string, string | undefined]> {
  const { exitCode, stdout, stderr, message } = await shared.run("thread_contexts", [name]);
  return [exitCode, stdout + stderr, message];
}

for (const [name, what] of [
  ["switches", "20,000 switches between two contexts"],
  ["chain", "2,000 contexts that begin each other"],
  ["errors", "numbers, entries and addresses that are wrong"],
  ["destroyed", "destroyed contexts do not run, and cannot be switched to"],
  ["waits", "contexts of many threads sleep, take locks and wait"],
  ["leaving", "a context ends its thread"],
] as const) {
  test(what, options, async () => {
    assert.deepEqual(await runCase(name), [0, `${name}: done\n`, undefined]);
  });
}

test(
  "a context whose entry returns ends the program with 129, on any thread",
  options,
  async () => {
    for (const name of ["return", "return-thread"]) {
      const [exitCode, output, message] = await runCase(name);
      assert.deepEqual([exitCode, output], [129, ""]);
      assert.match(
        message!,
        /^thread \d+ of process \d+ \(thread_contexts\): the entry function of context 1 returned$/,
      );
    }
  },
);

test("a trap in a context ends the program as a trap of its thread does", options, async () => {
  const [exitCode, output, message] = await runCase("trap");
  assert.deepEqual([exitCode, output], [45, ""]);
  assert.match(message!, /unreachable\n {4}at \S*trap /);
});

test("a context ends the process", options, async () => {
  assert.deepEqual(await runCase("exit"), [7, "", undefined]);
});

test("a kill ends a thread that waits in a context", options, async () => {
  const machine = await shared.machine;
  const process = await machine.spawn(await shared.load("thread_contexts"), { args: ["hang"] });
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  process.kill();
  assert.equal((await process.wait()).exitCode, 137);
});

test("without suspension each call answers ENOTSUP", { skip: canSuspendStacks }, async () => {
  const { ENOTSUP } = Errno;
  assert.deepEqual(await runCase("supported"), [
    0,
    `${ENOTSUP} ${ENOTSUP} ${ENOTSUP}\n`,
    undefined,
  ]);
});
