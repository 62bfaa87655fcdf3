// Snapshots on pages: a machine goes on in another tab, on an isolated page and on one that is not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { openPage, startChromium } from "./chromium.ts";
import { serveLibrary, type TestServer } from "./server.ts";

let server: TestServer;
let browser: Browser;

before(async () => {
  server = await serveLibrary();
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

for (const kind of ["isolated", "plain"]) {
  test(`files and ids go on in another tab: ${kind}`, async () => {
    const first = await openPage(browser, `${server.origin}/${kind}`);
    const bytes = await first.evaluate(async () => {
      const machine = await weft.Machine.create({ files: { "/a/b": "kept" } });
      await machine.run("/programs/page_streams.wasm");
      const bytes = await machine.snapshot({ compress: true });
      await machine.close();
      return [...bytes];
    });
    await first.close();
    const second = await openPage(browser, `${server.origin}/${kind}`);
    const found = await second.evaluate(async (given) => {
      const machine = await weft.Machine.restore(new Uint8Array(given));
      const text = await machine.fs.readTextFile("/a/b");
      const { pid, exitCode } = await machine.run("/programs/page_streams.wasm");
      await machine.close();
      return [text, pid, exitCode];
    }, bytes);
    await second.close();
    assert.deepEqual(found, ["kept", 2, 0]);
  });
}

test("a process goes on in another tab", async () => {
  const first = await openPage(browser, `${server.origin}/isolated`);
  const [bytes, before] = await first.evaluate(async () => {
    let bytes: number[] = [];
    const onSnapshot = (snapshot: Uint8Array) => void (bytes = [...snapshot]);
    const machine = await weft.Machine.create({ onSnapshot, snapshotOptions: { compress: true } });
    const { stdout } = await machine.run("/programs/process_snapshot.wasm", { args: ["threads"] });
    await machine.close();
    return [bytes, stdout] as const;
  });
  await first.close();
  assert.equal(before, "threads 1, 2 and 3\nthreads: done\n");
  const second = await openPage(browser, `${server.origin}/isolated`);
  const after = await second.evaluate(async (given) => {
    const machine = await weft.Machine.restore(new Uint8Array(given));
    const { stdout } = await machine.running[0].wait();
    await machine.close();
    return stdout;
  }, bytes);
  assert.equal(after, before);
});
