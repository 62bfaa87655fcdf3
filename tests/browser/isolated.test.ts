// The library on an isolated page: programs, files, threads, ends of every kind.

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
  page = await openPage(browser, `${server.origin}/isolated`);
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

test("a program gets arguments, environment and input, and its outputs come back", async () => {
  const result = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ debug: true });
    const result = await machine.run("/programs/page_streams.wasm", {
      args: ["one", "two words"],
      env: { GREETING: "good morning" },
      stdin: { text: "first line\nsecond line\n" },
    });
    await machine.close();
    return result;
  });
  assert.equal(
    result.stdout,
    "argument one\nargument two words\ngreeting good morning\ninput 23 bytes, 2 lines\n",
  );
  assert.equal(result.stderr, "to standard error\n");
  assert.equal(result.exitCode, 0);
});

test("input of many pipes' size is written while the program reads it", async () => {
  const { stdout } = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const process = await machine.spawn("/programs/page_streams.wasm", { stdin: "pipe" });
    for (let piece = 0; piece < 16; piece++) await process.stdin!.write("x".repeat(63) + "\n");
    await process.stdin!.write(new Uint8Array(1_000_000).fill(10));
    await process.stdin!.end();
    const result = await process.wait();
    await machine.close();
    return result;
  });
  assert.equal(stdout, "greeting none\ninput 1001024 bytes, 1000016 lines\n");
});

test("outputs are read line by line while the program runs", async () => {
  const lines = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const process = await machine.spawn("/programs/page_sleep.wasm");
    const lines: string[] = [];
    for await (const line of process.stdout!.lines()) {
      lines.push(line);
      process.kill("SIGTERM");
    }
    const { exitCode, signal } = await process.wait();
    await machine.close();
    return [...lines, exitCode, signal];
  });
  assert.deepEqual(lines, ["sleeping", 143, 15]);
});

test("exit codes are results", async () => {
  const codes = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const codes: number[] = [];
    const program = await machine.load("/programs/echo_arguments.wasm");
    for (const count of [0, 1, 7]) {
      codes.push(
        (await machine.run(program, { args: new Array<string>(count).fill("x") })).exitCode,
      );
    }
    await machine.close();
    return codes;
  });
  assert.deepEqual(codes, [0, 1, 7]);
});

test("a trap tells what, where and in which thread", async () => {
  const { message, exitCode, stdout } = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const result = await machine.run("/programs/page_trap.wasm");
    await machine.close();
    return result;
  });
  assert.match(message!, /thread \d+ of process \d+ \(page_trap\.wasm\): unreachable/);
  assert.match(message!, /step_on_a_mine/);
  assert.equal(stdout, "here it comes\n");
  assert.equal(exitCode, 45);
});

test("files go in and come out, and stay from one program to the next", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ files: { "/first": "given at the start" } });
    await machine.fs.writeFile("/second", "abc");
    const first = await machine.run("/programs/page_files.wasm", { args: ["/second"] });
    const backwards = await machine.fs.readTextFile("/made/backwards");
    const names = (await machine.fs.readdir("/made")).map(({ name }) => name);
    const { size, kind } = await machine.fs.stat("/made/backwards");
    await machine.fs.rm("/made", { recursive: true });
    const second = await machine.run("/programs/page_files.wasm", { args: ["/first"] });
    const again = await machine.fs.readTextFile("/made/backwards");
    const missing = await machine.fs.readFile("/nowhere").catch((error: WeftError) => error.errno);
    await machine.close();
    return {
      exits: [first.exitCode, second.exitCode],
      backwards,
      names,
      size,
      kind,
      again,
      missing,
    };
  });
  assert.deepEqual(found, {
    exits: [0, 0],
    backwards: "cbacba",
    names: ["backwards"],
    size: 6,
    kind: "file",
    again: "trats eht ta nevigtrats eht ta nevig",
    missing: "ENOENT",
  });
});

test("a page loads the parts that its programs need, and no others", async () => {
  const fresh = await openPage(browser, `${server.origin}/isolated`);
  const loaded: string[] = [];
  fresh.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/browser-")) loaded.push(pathname);
  });
  const written = await fresh.evaluate(async () => {
    const machine = await weft.Machine.create();
    const { stdout } = await machine.run("/programs/hello.wasm");
    await machine.close();
    return stdout;
  });
  assert.equal(written, "hello, world\n");
  assert.deepEqual(loaded, []);
  const found = await fresh.evaluate(async () => {
    const machine = await weft.Machine.create();
    const results = [
      await machine.run("/programs/hello.wasm", { stdout: "null" }),
      await machine.run("/programs/page_files.wasm", { args: ["/proc/self/cmdline"] }),
    ];
    await machine.fs.rm("/made", { recursive: true });
    const inDevices = { args: ["/dev/null"], cwd: "/dev/shm" };
    results.push(await machine.run("/programs/page_files.wasm", inDevices));
    const exits = results.map(({ exitCode }) => exitCode);
    const device = (await machine.fs.stat("/dev/zero")).kind;
    await machine.close();
    return { exits, device };
  });
  assert.deepEqual(found, { exits: [0, 0, 0], device: "device" });
  assert.deepEqual(loaded, ["/browser-paths.js"]);
  await fresh.evaluate(async () => {
    const machine = await weft.Machine.create({ mounts: { "/layer": weft.memory() } });
    await machine.close();
  });
  assert.deepEqual(loaded, ["/browser-paths.js", "/browser-parts.js"]);
  await fresh.close();
});

test("layers and a filesystem of the page's own are read by programs", async () => {
  const found = await page.evaluate(async () => {
    const word = new TextEncoder().encode("xyz");
    const mine = weft.filesystem({
      stat: (path) =>
        path === "" ? { kind: "directory" } : { kind: "file" as const, size: word.length },
      readdir: () => ["word"],
      read: (_path, offset, length) => word.subarray(offset, offset + length),
    });
    const layers = weft.overlay({ lower: weft.memory() });
    const machine = await weft.Machine.create({ mounts: { "/layers": layers, "/mine": mine } });
    await machine.fs.writeFile("/layers/word", "abc");
    const backwards: string[] = [];
    for (const path of ["/layers/word", "/mine/word"]) {
      await machine.run("/programs/page_files.wasm", { args: [path], check: true });
      backwards.push(await machine.fs.readTextFile("/made/backwards"));
      await machine.fs.rm("/made", { recursive: true });
    }
    await machine.close();
    return backwards;
  });
  assert.deepEqual(found, ["cbacba", "zyxzyx"]);
});

for (const threads of [4, 16]) {
  test(`${threads} threads that are alive at once`, async () => {
    const { stdout, exitCode, message } = await page.evaluate(async (threads) => {
      const machine = await weft.Machine.create({ debug: true });
      const result = await machine.run("/programs/page_threads.wasm", { args: [String(threads)] });
      await machine.close();
      return result;
    }, threads);
    assert.equal(stdout, `${threads} threads: sum 1280800\n`, message);
    assert.equal(exitCode, 0);
  });
}

test("a program that computes is killed at once, and the page stays responsive meanwhile", async () => {
  const { result, killed, ticks, longest } = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const process = await machine.spawn("/programs/page_compute.wasm");
    const chunks = process.stdout![Symbol.asyncIterator]();
    await chunks.next();
    let ticks = 0;
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      ticks++;
    }, 10);
    await new Promise((resolve) => {
      setTimeout(resolve, 1000);
    });
    clearInterval(timer);
    const start = performance.now();
    process.kill();
    const result = await process.wait();
    const killed = performance.now() - start;
    await machine.close();
    return { result, killed, ticks, longest };
  });
  assert.equal(result.exitCode, 137);
  assert.equal(result.signal, 9);
  assert.ok(killed < SOON, `killed after ${killed} ms`);
  // Of a hundred. A page whose main thread waits for the guest gets none.
  assert.ok(ticks >= 30, `${ticks} timers fired in a second, the longest pause was ${longest} ms`);
});

test("threads that compute and threads that wait are killed together", async () => {
  const { exitCode, took } = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ debug: true });
    const process = await machine.spawn("/programs/page_threads_wait.wasm");
    await process.stdout![Symbol.asyncIterator]().next();
    const start = performance.now();
    process.kill();
    const { exitCode } = await process.wait();
    await machine.close();
    return { exitCode, took: performance.now() - start };
  });
  assert.equal(exitCode, 137);
  assert.ok(took < SOON, `killed and closed after ${took} ms`);
});

test("a machine goes on after a kill", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ debug: true });
    for (let time = 0; time < 3; time++) {
      const process = await machine.spawn("/programs/page_compute.wasm");
      await process.stdout![Symbol.asyncIterator]().next();
      process.kill();
      await process.wait();
    }
    const { stdout } = await machine.run("/programs/page_threads.wasm", { args: ["4"] });
    const begun = await machine.fs.exists("/begun");
    await machine.close();
    return { stdout, begun };
  });
  assert.deepEqual(found, { stdout: "4 threads: sum 1280800\n", begun: true });
});

test("a timeout and an abort end a program that sleeps", async () => {
  const ends = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const program = await machine.load("/programs/page_sleep.wasm");
    const late = await machine.run(program, { timeout: 50 });
    const control = new AbortController();
    setTimeout(() => control.abort(), 50);
    const aborted = await machine.run(program, { signal: control.signal });
    await machine.close();
    return [late.timedOut, late.exitCode, aborted.aborted, aborted.exitCode];
  });
  assert.deepEqual(ends, [true, 137, true, 143]);
});

test("sleep takes its time", async () => {
  const stdout = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const { stdout } = await machine.run("/programs/page_sleep.wasm", { args: ["60"] });
    await machine.close();
    return stdout;
  });
  assert.equal(stdout, "sleeping\nslept enough\n");
});

test("200 programs one after the other use the same workers and leave nothing", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const program = await machine.load("/programs/echo_arguments.wasm");
    await machine.run(program);
    const before = JSON.stringify(machine.ledger());
    let wrong = 0;
    for (let time = 0; time < 200; time++) {
      const { stdout } = await machine.run(program, { args: [String(time)] });
      if (stdout !== `${time}\n`) wrong++;
    }
    const same = JSON.stringify(machine.ledger()) === before;
    const workers = machine.workerCount;
    await machine.close();
    return { wrong, same, workers, left: machine.ledger(), after: machine.workerCount };
  });
  assert.deepEqual(found, { wrong: 0, same: true, workers: 1, left: {}, after: 0 });
});

test("programs run at once, each with its own outputs", async () => {
  const outputs = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const program = await machine.load("/programs/page_threads.wasm");
    const results = await Promise.all(
      [2, 3, 4].map((threads) => machine.run(program, { args: [String(threads)] })),
    );
    await machine.close();
    return results.map(({ stdout }) => stdout);
  });
  assert.deepEqual(
    outputs,
    [2, 3, 4].map((threads) => `${threads} threads: sum 1280800\n`),
  );
});

test("programs start, signal and wait for others, which are files of the machine", async () => {
  for (const [name, args] of [
    ["process_storm", ["sequence", "10"]],
    ["process_storm", ["play", "1"]],
    ["process_exec", ["vfork"]],
    ["process_exec", ["many", "5"]],
    ["process_signals", ["interval"]],
  ] as const) {
    const result = await page.evaluate(
      async ([name, args]) => {
        const response = await fetch(`/programs/${name}.wasm`);
        const bytes = new Uint8Array(await response.arrayBuffer());
        const machine = await weft.Machine.create({
          debug: true,
          files: { "/bin/self": bytes, "/tmp/nothing": "" },
        });
        const result = await machine.run(bytes, { args, name: "self" });
        await machine.close();
        return result;
      },
      [name, args] as const,
    );
    assert.deepEqual([name, result.exitCode, result.stderr], [name, 0, ""]);
  }
});

test("what is no program, and what is not there, says so", async () => {
  const errors = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const tell = (error: WeftError): string => `${error.code} ${error.message}`;
    const errors = [
      await machine.run(new TextEncoder().encode("#!/bin/sh\n")).catch(tell),
      await machine.run("/nowhere/missing.wasm").catch(tell),
      await machine.run(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).catch(tell),
      await machine.run("/programs/hello.wasm", { stdout: "inherit" }).catch(tell),
    ];
    await machine.close();
    errors.push(await machine.run("/programs/hello.wasm").catch(tell));
    return errors as string[];
  });
  assert.match(errors[0], /^ERR_PROGRAM_INVALID program\.wasm: .*script/);
  assert.match(errors[1], /^ERR_PROGRAM_NOT_FOUND .*missing\.wasm.*404/);
  assert.match(errors[2], /^ERR_PROGRAM_INVALID .*_start/);
  assert.match(errors[3], /^ERR_HOST .*inherit/);
  assert.match(errors[4], /^ERR_CLOSED/);
});

test("events and traces reach the page", async () => {
  const found = await page.evaluate(async () => {
    const machine = await weft.Machine.create();
    const types = new Set<string>();
    const lines: string[] = [];
    machine.onEvent((event) => types.add(event.type));
    await machine.run("/programs/page_threads.wasm", {
      args: ["2"],
      trace: (line) => lines.push(line),
    });
    await machine.close();
    return { types: [...types].sort(), calls: lines.some((line) => line.includes("fd_write(1")) };
  });
  assert.deepEqual(found, {
    types: ["process-ended", "thread-created", "thread-finished", "thread-started"],
    calls: true,
  });
});

test("a page whose policy forbids the library's worker is told what to do, and workerUrl does it", async () => {
  const strict = await openPage(browser, `${server.origin}/strict`);
  const found = await strict.evaluate(async () => {
    const refused = await weft.Machine.create().catch(
      (error: WeftError) => `${error.code} ${error.message}`,
    );
    const machine = await weft.Machine.create({ workerUrl: "/worker-browser.js" });
    const { stdout } = await machine.run("/programs/page_threads.wasm");
    await machine.close();
    const wrong = await weft.Machine.create({ workerUrl: "/nowhere.js" }).catch(
      (error: WeftError) => `${error.code} ${error.message}`,
    );
    return { refused, stdout, wrong };
  });
  assert.match(found.refused as string, /^ERR_HOST .*worker-src blob:.*workerUrl/);
  assert.equal(found.stdout, "4 threads: sum 1280800\n");
  assert.match(found.wrong as string, /^ERR_HOST .*nowhere\.js.*worker-browser\.js/);
});

test("a program talks with somebody at a terminal on the page", async () => {
  const seen = await page.evaluate(async () => {
    const machine = await weft.Machine.create({ debug: true });
    const process = await machine.spawn("/programs/terminal_keys.wasm", {
      args: "size handle ready line raw modes ready poll line cooked ready sleep size ready line".split(
        " ",
      ),
      terminal: { columns: 80, rows: 24 },
    });
    const terminal = process.terminal!;
    let screen = "";
    const texts: string[] = [];
    // What somebody does each time the program says that it is ready.
    const doings = [
      () => terminal.type("word\u007fld\r"),
      () => terminal.type("k"),
      () => Promise.resolve(terminal.resize(40, 10)),
      () => terminal.type("\u0004"),
    ];
    for await (const chunk of terminal.output!) {
      screen += new TextDecoder().decode(chunk);
      if (!screen.endsWith("ready\r\n")) continue;
      texts.push(screen);
      screen = "";
      await doings.shift()!();
    }
    texts.push(screen);
    const { exitCode } = await process.wait();
    await machine.close();
    return { texts, exitCode };
  });
  assert.deepEqual(seen, {
    texts: [
      "size 80 24\r\nready\r\n",
      "word\b \bld\r\nread 5: world\r\nterminals 111 echo 0 lines 0\r\nready\r\n",
      "key: 1\r\nread 1: k\r\nready\r\n",
      "signal 28\r\nsize 40 10\r\nready\r\n",
      "read 0: \r\n",
    ],
    exitCode: 7,
  });
});
