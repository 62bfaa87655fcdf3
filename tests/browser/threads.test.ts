// Threads of every kind on a page: far more than cores, which compute, spin and wait without a call of the kernel, contexts, and storms with seeds. The cases are
// those of tests/threads.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openPage, startChromium } from "./chromium.ts";
import { serveLibrary, type TestServer } from "./server.ts";

/** Nothing here takes long, in milliseconds: what is not done by then hangs. */
const LONGEST = 60_000;

let server: TestServer;
let browser: Browser;
let page: Page;

before(async () => {
  server = await serveLibrary();
  browser = await startChromium();
  page = await openPage(browser, `${server.origin}/isolated`);
  await page.evaluate(async () => {
    globalThis.machine = await weft.Machine.create({ debug: true });
  });
});

// Closing it fails where anything of the kernel is left.
after(async () => {
  await page?.evaluate(() => globalThis.machine.close());
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

declare global {
  // In the page: of all tests, so that its workers serve one program after the other.
  var machine: import("../../src/api/browser.ts").Machine;
}

const run = (program: string, args: readonly string[]) =>
  page.evaluate(
    async ([program, args, timeout]) => {
      const address = `/programs/${program}.wasm`;
      const { exitCode, stdout, stderr, message } = await globalThis.machine.run(address, {
        args,
        timeout,
      });
      return { exitCode, output: stdout + stderr, message };
    },
    [program, args, LONGEST] as const,
  );

for (const [name, threads, what] of [
  ["compute", 24, "threads that compute for ever keep neither main nor the end of the process"],
  ["spin-lock", 24, "a lock that is spun for, while its holder sleeps"],
  ["raw", 200, "200 threads wait with the engine's instruction"],
  ["barrier", 24, "a barrier that all spin at"],
  ["beside", 30, "threads sleep and go on beside others that compute"],
  ["plain", 24, "a word that is not atomic is spun for and handed on"],
  ["handlers", 24, "signal handlers wait for a futex that another thread wakes"],
  ["growth", 24, "the memory grows while others wait"],
  ["chain", 24, "each thread starts the next and waits for it"],
] as const) {
  test(what, async () => {
    const result = await run("thread_sharing", [name, String(threads)]);
    assert.deepEqual(result, { exitCode: 0, output: `${name}: done\n`, message: undefined });
  });
}

for (const name of ["switches", "chain", "waits", "calls", "leaving"]) {
  test(`contexts: ${name}`, async () => {
    const result = await run("thread_contexts", [name]);
    assert.deepEqual(result, { exitCode: 0, output: `${name}: done\n`, message: undefined });
  });
}

for (const args of [
  ["sequential", "2000"],
  ["at-once", "1000"],
  ["detached", "200"],
  ["growing", "200"],
  ["random", "400", "5"],
]) {
  test(`storm: ${args.join(" ")}`, async () => {
    const { exitCode, message } = await run("thread_storm", args);
    assert.deepEqual([exitCode, message], [0, undefined]);
  });
}

test("instances have globals, segments and starts of their own, shared, renewed or not", async () => {
  for (const program of ["thread_own_state", "thread_renewals"]) {
    const result = await run(program, []);
    assert.deepEqual([result.exitCode, result.message], [0, undefined], program);
  }
});
