// The library on a page without isolation: programs without threads run, one at a time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { WeftError } from "../../src/api/browser.ts";
import { openPage, startChromium } from "./chromium.ts";
import { serveLibrary, type TestServer } from "./server.ts";

/** How long an end may take, in milliseconds. The goal is 100; the rest is for a machine that is busy. */
const SOON = 1000;

let server: TestServer;
let browser: Browser;
let page: Page;

before(async () => {
  server = await serveLibrary();
  browser = await startChromium();
  page = await openPage(browser, `${server.origin}/plain`);
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

test("the page is not isolated", async () => {
  assert.equal(await page.evaluate(() => crossOriginIsolated), false);
});

test("a program gets arguments, environment and input, and its outputs come back", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const result = await machine.run("/programs/page_streams.wasm", {
      args: ["one"],
      env: { GREETING: "hello" },
      stdin: new Blob(["a\nb\n"]).stream(),
    });
    const process = await machine.spawn("/programs/page_streams.wasm", { stdin: "pipe" });
    await process.stdin!.write("written ");
    await process.stdin!.write("later\n");
    await process.stdin!.end();
    const later = await process.wait();
    await machine.close();
    return { ...result, later: later.stdout, left: machine.ledger() };
  });
  assert.equal(found.stdout, "argument one\ngreeting hello\ninput 4 bytes, 2 lines\n");
  assert.equal(found.stderr, "to standard error\n");
  assert.equal(found.later, "greeting none\ninput 14 bytes, 1 lines\n");
  assert.deepEqual(found.left, {});
});

test("files go in and come out, and stay from one program to the next", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ files: { "/first": "abc" } });
    const first = await machine.run("/programs/page_files.wasm", { args: ["/first"] });
    const large = "0123456789".repeat(6000);
    await machine.fs.writeFile("/second", large);
    await machine.fs.rename("/made", "/kept");
    const second = await machine.run("/programs/page_files.wasm", { args: ["/second"] });
    const kept = await machine.fs.readTextFile("/kept/backwards");
    const { size } = await machine.fs.stat("/made/backwards");
    await machine.close();
    return { exits: [first.exitCode, second.exitCode], kept, size };
  });
  assert.deepEqual(found, { exits: [0, 0], kept: "cbacba", size: 120_000 });
});

test("outputs come while the program runs; a kill ends it and loses its files, not others", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ files: { "/mine": "still here" } });
    const process = await machine.spawn("/programs/page_compute.wasm");
    const first = await process.stdout![Symbol.asyncIterator]().next();
    const start = performance.now();
    process.kill();
    const { exitCode, signal } = await process.wait();
    const took = performance.now() - start;
    const found = {
      first: new TextDecoder().decode(first.value as Uint8Array).trimEnd(),
      exitCode,
      signal,
      begun: await machine.fs.exists("/begun"),
      mine: await machine.fs.readTextFile("/mine"),
      after: (await machine.run("/programs/hello.wasm")).stdout,
    };
    await machine.close();
    return { found, took };
  });
  assert.deepEqual(found.found, {
    first: "computing",
    exitCode: 137,
    signal: 9,
    begun: false,
    mine: "still here",
    after: "hello, world\n",
  });
  assert.ok(found.took < SOON, `killed after ${found.took} ms`);
});

test("a timeout ends a program that sleeps, sleep takes its time, a trap is told", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const program = await machine.load("/programs/page_sleep.wasm");
    const late = await machine.run(program, { timeout: 50 });
    const slept = await machine.run(program, { args: ["40"] });
    const trapped = await machine.run("/programs/page_trap.wasm");
    await machine.close();
    return { late: [late.timedOut, late.exitCode], slept: slept.stdout, trapped: trapped.message };
  });
  assert.deepEqual(found.late, [true, 137]);
  assert.equal(found.slept, "sleeping\nslept enough\n");
  assert.match(found.trapped!, /unreachable[^]*step_on_a_mine/);
});

test("programs and file operations asked for at once take turns", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ files: { "/first": "abc" } });
    const [slept, files, text, hello] = await Promise.all([
      machine.run("/programs/page_sleep.wasm", { args: ["30"] }),
      machine.run("/programs/page_files.wasm", { args: ["/first"] }),
      machine.fs.readTextFile("/first"),
      machine.run("/programs/hello.wasm"),
    ]);
    const made = await machine.fs.readTextFile("/made/backwards");
    await machine.close();
    return [slept.exitCode, files.exitCode, text, hello.stdout, made];
  });
  assert.deepEqual(found, [0, 0, "abc", "hello, world\n", "cbacba"]);
});

test("many runs use one worker and leave nothing", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const program = await machine.load("/programs/echo_arguments.wasm");
    let wrong = 0;
    for (let time = 0; time < 50; time++) {
      const { stdout } = await machine.run(program, { args: [String(time)] });
      if (stdout !== `${time}\n`) wrong++;
    }
    const workers = machine.workerCount;
    await machine.close();
    return { wrong, workers, left: machine.ledger() };
  });
  assert.deepEqual(found, { wrong: 0, workers: 1, left: {} });
});

test("a closed machine ends what runs", async () => {
  const { took, waiting } = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const process = await machine.spawn("/programs/page_compute.wasm");
    await process.stdout![Symbol.asyncIterator]().next();
    const waiting = machine.run("/programs/hello.wasm").catch((error: WeftError) => error.code);
    const start = performance.now();
    await machine.close();
    return { took: performance.now() - start, waiting: await waiting };
  });
  assert.ok(took < SOON, `closed after ${took} ms`);
  assert.equal(waiting, "ERR_CLOSED");
});

test("a program with threads is refused with the two headers' names", async () => {
  const message = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const answer = await machine
      .run("/programs/page_threads.wasm")
      .catch((error: WeftError) => `${error.code} ${error.message}`);
    await machine.close();
    return answer as string;
  });
  assert.match(message, /^ERR_HOST .*page_threads\.wasm/);
  assert.match(message, /Cross-Origin-Opener-Policy: same-origin/);
  assert.match(message, /Cross-Origin-Embedder-Policy: require-corp/);
});
