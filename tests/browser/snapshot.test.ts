// Snapshots on pages: a machine goes on in another tab, on an isolated page and on one that is not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { run, withDirectory } from "../cli/command.ts";
import { compileGuest } from "../support/compile.ts";
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

test("a program at a terminal goes on at one in another tab", async () => {
  const first = await openPage(browser, `${server.origin}/isolated`);
  const [bytes, shown] = await first.evaluate(async () => {
    const onSnapshot = () => {};
    const machine = await weft.Machine.create({ onSnapshot });
    const { terminal } = await machine.spawn("/programs/terminal_keys.wasm", {
      args: ["size", "raw", "line", "size", "cooked", "line"],
      terminal: { columns: 90, rows: 20 },
    });
    const reader = terminal!.output!.stream().getReader();
    let shown = "";
    while (!shown.endsWith("\n"))
      shown += new TextDecoder().decode((await reader.read()).value as Uint8Array);
    await terminal!.wanted();
    const bytes = await machine.snapshot({ compress: true });
    await machine.close();
    return [[...bytes], shown] as const;
  });
  await first.close();
  assert.equal(shown, "size 90 20\r\n");
  const second = await openPage(browser, `${server.origin}/isolated`);
  const after = await second.evaluate(async (given) => {
    const machine = await weft.Machine.restore(new Uint8Array(given));
    const [{ terminal }] = machine.running;
    terminal!.resize(70, 10);
    const lines = terminal!.output!.lines();
    const next = async () => (await lines.next()).value;
    await terminal!.type("q");
    const said = [await next(), await next()];
    // The program wants lines from here on.
    while (!terminal!.modes.lineBuffered)
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 1);
      });
    await terminal!.type("a line\r");
    said.push(await next(), await next());
    await machine.running[0].wait();
    await machine.close();
    return said;
  }, bytes);
  await second.close();
  assert.deepEqual(after, ["read 1: q", "size 70 10", "a line", "read 6: a line"]);
});

test("a program of the command goes on in a tab, which reads what it writes", async () => {
  await withDirectory(async (directory) => {
    const file = path.join(directory, "snapshot");
    const stop = ["--snapshot-on=first-stdin", "--stop-after-snapshot"];
    const program = await compileGuest("process_captured");
    const { code, stdout } = await run(["run", `--snapshot=${file}`, ...stop, program, "threads"]);
    assert.deepEqual([code, stdout], [0, "ready\n"]);
    const page = await openPage(browser, `${server.origin}/isolated`);
    const after = await page.evaluate(
      async (given) => {
        const bytes = Uint8Array.from(given, (letter) => letter.charCodeAt(0));
        const machine = await weft.Machine.restore(bytes);
        const [process] = machine.running;
        await process.stdin!.write("g");
        const { exitCode, stdout, stderr } = await process.wait();
        await machine.close();
        return [exitCode, stdout, stderr];
      },
      await readFile(file, "latin1"),
    );
    await page.close();
    assert.deepEqual(after, [0, "1: 3 to 11\nthreads: done\n", ""]);
  });
});
