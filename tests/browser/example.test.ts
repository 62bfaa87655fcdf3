// The example page, bundled by Vite and as Vite's development server gives it, used as a person would.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { startChromium } from "./chromium.ts";
import { serveFolder, type TestServer } from "./server.ts";

const folder = "examples/page";

let bundled: TestServer;
let development: ViteDevServer;
let browser: Browser;

before(async () => {
  bundled = await serveFolder(`${folder}/dist`);
  development = await createServer({
    root: folder,
    logLevel: "warn",
    server: { port: 0, host: "127.0.0.1" },
  });
  await development.listen();
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  await development?.close();
  await bundled?.[Symbol.asyncDispose]();
});

/** Opens the page and waits until its machine stands. */
async function open(address: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(`uncaught in the page: ${error.stack ?? error}`));
  await page.goto(address);
  await page.waitForSelector("body[data-ready]");
  return page;
}

/** Chooses a program, runs it to its end and gives what the page shows. */
async function run(page: Page, program: string, words?: string): Promise<string> {
  await page.selectOption("#program", program);
  if (words !== undefined) await page.fill("#arguments", words);
  await page.click("#run");
  await page.waitForFunction(() => /^exit code/.test(document.getElementById("end")!.textContent!));
  return page.innerText("#output");
}

for (const [kind, address] of [
  ["the bundled page", () => `${bundled.origin}/`],
  ["the page of the development server", () => development.resolvedUrls!.local[0]],
] as const) {
  test(`${kind} runs programs and threads`, async () => {
    const page = await open(address());
    assert.match(await page.innerText("#state"), /^isolated page/);
    assert.match(await run(page, "hello"), /hello, world/);
    assert.match(await run(page, "page_threads", "4"), /4 threads: sum 1280800/);
    await page.close();
  });
}

test("output, input and the end of a program are shown", async () => {
  const page = await open(`${bundled.origin}/`);
  await page.fill("#input", "three\nlines\nhere\n");
  const output = await run(page, "page_streams", "a b");
  // The two outputs are two pipes: where their lines meet is nobody's promise.
  assert.match(
    output.replace("to standard error\n", ""),
    /argument a\nargument b\ngreeting hello from the page\ninput 17 bytes, 3 lines/,
  );
  assert.match(output, /to standard error/);
  assert.match(await page.innerText("#end"), /^exit code 0 after/);
  await page.close();
});

test("files are written by the page, changed by a program, read by the page", async () => {
  const page = await open(`${bundled.origin}/`);
  await page.fill("#path", "/word");
  await page.fill("#content", "stressed");
  await page.click("#save");
  await page.getByRole("button", { name: "/word" }).click();
  assert.match(await run(page, "page_files", "/word"), /8 bytes/);
  await page.getByRole("button", { name: "/made/backwards" }).click();
  await page.waitForFunction(
    () => (document.getElementById("content") as HTMLTextAreaElement).value === "dessertsdesserts",
  );
  await page.close();
});

test("a program that computes is killed by the button, and the page goes on drawing meanwhile", async () => {
  const page = await open(`${bundled.origin}/`);
  await page.selectOption("#program", "page_compute");
  await page.click("#run");
  await page.waitForFunction(() =>
    document.getElementById("output")!.textContent!.includes("computing"),
  );
  const frames = () =>
    page.evaluate(() => Number(document.getElementById("heartbeat")!.dataset.frames));
  const before = await frames();
  await page.waitForTimeout(500);
  const drawn = (await frames()) - before;
  await page.click("#kill");
  await page.waitForFunction(() =>
    document.getElementById("end")!.textContent!.startsWith("exit code 137"),
  );
  // Of thirty. A page whose main thread waits for the guest draws none.
  assert.ok(drawn >= 5, `${drawn} frames in half a second`);
  assert.match(await run(page, "hello"), /hello, world/);
  await page.close();
});
