// Files that stay in the browser: over closed machines, reloads, and tabs that end in mid-write.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { WeftError } from "../../src/api/browser.ts";
import { findExamples, root } from "../docs/examples.ts";
import { openPage, startChromium } from "./chromium.ts";
import { serveLibrary, type TestServer } from "./server.ts";

declare global {
  /** Numbers that a program has printed, in the page where it runs. */
  var printed: number;
}

let server: TestServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;

/** Pages of one context share what stays. */
const openOther = () => openPage(context, `${server.origin}/isolated`);

before(async () => {
  server = await serveLibrary();
  browser = await startChromium();
  context = await browser.newContext();
  page = await openOther();
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** All that is in a store, by path: text, where a link points to, or nothing for a directory. */
function readStore(of: Page, name: string): Promise<Record<string, string>> {
  return of.evaluate(async (name) => {
    const machine = await weft.Machine.create({ mounts: { "/kept": weft.opfs(name) } });
    const found: Record<string, string> = {};
    const visit = async (path: string): Promise<void> => {
      for (const entry of await machine.fs.readdir(path)) {
        const inner = `${path}/${entry.name}`;
        const { size, kind, modified } = await machine.fs.lstat(inner);
        const key = `${inner} ${kind} ${size} ${modified.getTime()}`;
        if (kind === "directory") {
          found[`${inner} ${kind}`] = "";
          await visit(inner);
        } else if (kind === "symlink") found[key] = await machine.fs.readlink(inner);
        else found[key] = await machine.fs.readTextFile(inner);
      }
    };
    await visit("/kept");
    await machine.close();
    return found;
  }, name);
}

test("files are there again after the machine was closed, and after a reload", async () => {
  const ended = await page.evaluate(async () => {
    const machine = await weft.Machine.create({
      mounts: { "/kept": weft.opfs("stays") },
      files: { "/kept/given": "at the start" },
      debug: true,
    });
    await machine.fs.mkdir("/kept/a");
    await machine.fs.writeFile("/kept/a/large", "x".repeat(300_000));
    await machine.fs.symlink("a/large", "/kept/link");
    const { exitCode, stderr } = await machine.run("/programs/page_keep.wasm", {
      args: ["/kept", "3"],
    });
    await machine.close();
    return { exitCode, stderr, ledger: machine.ledger() };
  });
  assert.deepEqual(ended, { exitCode: 0, stderr: "", ledger: {} });
  const there = await readStore(page, "stays");
  const names = Object.keys(there).map((key) => key.replace(/ \d{10,}$/, ""));
  assert.deepEqual(names.sort(), [
    "/kept/a directory",
    "/kept/a/large file 300000",
    "/kept/current file 4500",
    "/kept/given file 12",
    "/kept/link symlink 7",
    "/kept/log file 21",
  ]);
  await page.reload();
  await page.waitForFunction(() => globalThis.weft !== undefined);
  assert.deepEqual(await readStore(page, "stays"), there);
  assert.deepEqual(await readStore(page, "another"), {});
});

test("a store is for one machine at a time", async () => {
  const codes = await page.evaluate(async () => {
    const open = () => weft.Machine.create({ mounts: { "/kept": weft.opfs("one") } });
    const errnoOf = (failed: unknown) => (failed as WeftError).errno;
    const first = await open();
    const refused = await open().then(() => "none", errnoOf);
    await first.close();
    await (await open()).close();
    return refused;
  });
  assert.equal(codes, "EBUSY");
});

test("wrong names and the same name twice are refused", async () => {
  const codes = await page.evaluate(async () => {
    const codes: string[] = [];
    for (const name of ["", ".", "..", "a/b"]) {
      try {
        weft.opfs(name);
      } catch (error) {
        codes.push((error as WeftError).code);
      }
    }
    const twice = { "/a": weft.opfs("x"), "/b": weft.readOnly(weft.opfs("x")) };
    await weft.Machine.create({ mounts: twice }).catch((error: WeftError) =>
      codes.push(error.code),
    );
    return codes;
  });
  assert.deepEqual(codes, Array(5).fill("ERR_OPTION"));
});

test("a tab that ends while a program writes leaves whole records, and all that were synced", async () => {
  let records = 0;
  for (const end of ["close", "crash", "reload"] as const) {
    const tab = await openOther();
    await tab.evaluate(async () => {
      const machine = await weft.Machine.create({ mounts: { "/kept": weft.opfs("torn") } });
      const process = await machine.spawn("/programs/page_keep.wasm", {
        args: ["/kept", "1000000"],
      });
      globalThis.printed = -1;
      void (async () => {
        for await (const line of process.stdout!.lines()) globalThis.printed = Number(line);
      })();
    });
    await tab.waitForFunction((least) => globalThis.printed > least, records + 20);
    const printed = await tab.evaluate(() => globalThis.printed);
    if (end === "close") await tab.close();
    else if (end === "reload") await tab.reload();
    else {
      const session = await context.newCDPSession(tab);
      const crashed = tab.waitForEvent("crash");
      void session.send("Page.crash").catch(() => {});
      await crashed;
      await tab.close();
    }
    const found = await readStore(page, "torn");
    const texts = new Map(Object.entries(found).map(([key, text]) => [key.split(" ")[0], text]));
    const lines = texts.get("/kept/log")!.split("\n");
    assert.equal(lines.pop(), "");
    assert.deepEqual(
      lines,
      lines.map((_line, index) => `line ${index}`),
    );
    assert.ok(lines.length > printed, `${lines.length} records are there, ${printed} was printed`);
    const current = texts.get("/kept/current")!.split("\n");
    assert.equal(current.length, 501);
    const [last] = current;
    assert.ok(current.slice(0, -1).every((line) => line === last));
    const number = Number(last.slice("record ".length));
    assert.ok(number === lines.length || number === lines.length - 1, `${last} at ${lines.length}`);
    records = lines.length;
    if (end === "reload") await tab.close();
  }
});

test("what a storm of eight threads leaves is there after the next start", async () => {
  const before = await page.evaluate(async () => {
    const machine = await weft.Machine.create({
      mounts: { "/": weft.opfs("storm") },
      debug: true,
    });
    const whole = await machine.run("/programs/file_storm.wasm", { args: ["400", "5"] });
    const process = await machine.spawn("/programs/file_storm.wasm", { args: ["100000", "6"] });
    await new Promise((resolve) => {
      setTimeout(resolve, 400);
    });
    process.kill();
    await process.wait();
    const names: string[] = [];
    for (const { name } of await machine.fs.readdir("/")) {
      if (!/^d\d$/.test(name)) continue;
      for (const entry of await machine.fs.readdir(`/${name}`)) names.push(`${name}/${entry.name}`);
    }
    await machine.close();
    return { exit: [whole.exitCode, whole.stderr], names, ledger: machine.ledger() };
  });
  assert.deepEqual(before.exit, [0, ""]);
  assert.deepEqual(before.ledger, {});
  assert.ok(before.names.length > 0);
  const there = Object.keys(await readStore(page, "storm")).map((key) => key.split(" ")[0]);
  for (const name of before.names) assert.ok(there.includes(`/kept/${name}`), name);
});

test("an overlay keeps its changes in a store", async () => {
  const text = await page.evaluate(async () => {
    const open = () =>
      weft.Machine.create({
        mounts: {
          "/app": weft.overlay({ lower: weft.memory(), upper: weft.opfs("changes") }),
        },
      });
    const first = await open();
    await first.fs.writeFile("/app/file", "changed");
    await first.close();
    const second = await open();
    const text = await second.fs.readTextFile("/app/file");
    await second.close();
    return text;
  });
  assert.equal(text, "changed");
});

test("the documentation's example prints what it says", async () => {
  const text = await readFile(join(root, "docs/browser.md"), "utf8");
  const [example] = findExamples(text, "js").filter((each) => each.includes("opfs("));
  const said = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
  const printed = await page.evaluate(
    (body) => {
      const lines: string[] = [];
      const log = (line: string) => void lines.push(line.trimEnd());
      const run = new Function("weft", "console", `return (async () => {${body}})()`) as (
        library: unknown,
        console: unknown,
      ) => Promise<void>;
      return run(weft, { log }).then(() => lines);
    },
    example.replace(/^import (\{.*\}) from "weft";$/m, "const $1 = weft;"),
  );
  assert.deepEqual(printed, said);
  assert.equal(said.length, 1);
});
