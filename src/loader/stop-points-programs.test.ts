// Rewritten programs whose stop points nobody answers run as they did before.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { compileGuest } from "../../tests/support/compile.ts";
import { withMachine } from "../../tests/support/machine-guest.ts";
import { rewrite } from "../../tests/support/stop-fixture.ts";

const RUNS: readonly (readonly [program: string, ...args: string[]])[] = [
  ["libc_files"],
  ["thread_globals"],
  ["thread_start_section"],
  ["thread_waits", "errors"],
  ["thread_waits", "timeouts"],
  ["thread_storm", "at-once", "16"],
  ["threads_hello"],
];

for (const [name, ...args] of RUNS) {
  test(`${name} ${args.join(" ")}`.trim(), async () => {
    const bytes = await readFile(await compileGuest(name));
    const outcome = (program: Uint8Array) =>
      withMachine({}, async (machine) => {
        const { exitCode, stdout, stderr, message } = await machine.run(program, { args });
        return { exitCode, stdout, stderr, message };
      });
    assert.deepEqual(await outcome(rewrite(bytes).bytes), await outcome(bytes));
  });
}
