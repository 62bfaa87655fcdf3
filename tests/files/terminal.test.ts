import assert from "node:assert/strict";
import test from "node:test";
import type { Process, SpawnOptions } from "../../src/api/node.ts";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

/** A program at a terminal, as somebody sees it who sits there. */
class Session {
  screen = "";
  private readonly reading: Promise<void>;
  private readonly waiting = new Set<() => void>();

  private constructor(readonly process: Process) {
    this.reading = this.look();
  }

  static async start(actions: string, options: SpawnOptions = {}): Promise<Session> {
    const machine = await shared.machine;
    const program = await shared.load("terminal_keys");
    return new Session(
      await machine.spawn(program, {
        args: actions.split(" "),
        terminal: { columns: 100, rows: 30 },
        ...options,
      }),
    );
  }

  private async look(): Promise<void> {
    for await (const chunk of this.process.terminal!.output!) {
      this.screen += new TextDecoder().decode(chunk);
      for (const again of this.waiting) again();
    }
  }

  /** Waits until the screen ends with this. */
  async shows(text: string): Promise<void> {
    while (!this.screen.endsWith(text))
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
  }

  type(keys: string): Promise<void> {
    return this.process.terminal!.type(keys);
  }

  /** Waits for the end; the exit code and all that was shown. */
  async end(): Promise<[number, string]> {
    const { exitCode } = await this.process.wait();
    await this.reading;
    return [exitCode, this.screen];
  }
}

test("a terminal is described, and shows lines as they are typed", async () => {
  const session = await Session.start("size modes line line done");
  await session.type("ab\u007fc\rsecond\r");
  const [code, screen] = await session.end();
  assert.equal(code, 7);
  // Echo comes when it is typed, which may be before or between what the program prints.
  for (const line of [
    "size 100 30\r\n",
    "terminals 111 echo 1 lines 1\r\n",
    "ab\b \bc\r\nsecond\r\n",
  ])
    assert.ok(screen.includes(line), JSON.stringify(screen));
  assert.ok(screen.includes("read 2: ac\r\n"));
  assert.ok(screen.endsWith("read 6: second\r\ndone\r\n"));
});

test("key by key, without echo", async () => {
  const session = await Session.start("raw modes poll line cooked modes ready line");
  await session.shows("lines 0\r\n");
  assert.deepEqual(session.process.terminal!.modes, { echo: false, lineBuffered: false });
  await session.type("q");
  await session.shows("ready\r\n");
  await session.type("line\r");
  const [, screen] = await session.end();
  const start = "terminals 111 echo 0 lines 0\r\nkey: 1\r\nread 1: q\r\n";
  assert.equal(screen, start + "terminals 111 echo 1 lines 1\r\nready\r\nline\r\nread 4: line\r\n");
});

test("a password is typed as a line that nobody sees", async () => {
  const session = await Session.start("password ready line");
  const modes: unknown[] = [];
  session.process.terminal!.onModes((now) => modes.push(now));
  await session.shows("ready\r\n");
  await session.type("secrex\u007ft\r");
  assert.deepEqual(await session.end(), [7, "ready\r\nread 6: secret\r\n"]);
});

test("whoever shows the terminal learns of its modes", async () => {
  const session = await Session.start("line raw line");
  const changed = new Promise((resolve) => {
    session.process.terminal!.onModes(resolve);
  });
  await session.type("\r");
  assert.deepEqual(await changed, { echo: false, lineBuffered: false });
  await session.type("x");
  assert.equal((await session.end())[0], 7);
});

test("Ctrl-D is the end of file", async () => {
  const session = await Session.start("line line line");
  await session.type("ab\u0004");
  await session.shows("read 2: ab\r\n");
  await session.type("\u0004");
  await session.shows("read 0: \r\n");
  await session.process.terminal!.end();
  assert.deepEqual(await session.end(), [7, "abread 2: ab\r\nread 0: \r\nread 0: \r\n"]);
});

test("Ctrl-C runs the program's handler", async () => {
  const session = await Session.start("handle ready sleep ready line");
  await session.shows("ready\r\n");
  await session.type("\u0003");
  await session.shows("^Csignal 2\r\nready\r\n");
  // A read is cut short by it.
  await session.type("half\u0003");
  const [code, screen] = await session.end();
  assert.equal(code, 7);
  assert.ok(screen.endsWith("errno 27\r\n"), JSON.stringify(screen));
});

test("Ctrl-C ends a program without a handler", async () => {
  const session = await Session.start("ready line");
  await session.shows("ready\r\n");
  await session.type("\u0003");
  const result = await session.process.wait();
  assert.deepEqual([result.exitCode, result.signal], [130, 2]);
  // Ctrl-Z stops one, until it is told to go on.
  const other = await Session.start("ready line");
  await other.shows("ready\r\n");
  await other.type("\u001aline\r");
  other.process.signal("SIGCONT");
  assert.equal((await other.end())[0], 7);
});

test("another size of the window is told by SIGWINCH", async () => {
  const session = await Session.start("handle ready sleep size");
  await session.shows("ready\r\n");
  session.process.terminal!.resize(100, 30);
  session.process.terminal!.resize(40, 10);
  assert.deepEqual(await session.end(), [7, "ready\r\nsignal 28\r\nsize 40 10\r\n"]);
  const other = await Session.start("ready line size");
  await other.shows("ready\r\n");
  other.process.terminal!.resize(5, 6);
  await other.type("\r");
  await other.end();
  assert.ok(other.screen.endsWith("size 5 6\r\n"), JSON.stringify(other.screen));
});

test("streams that go elsewhere are no terminals", async () => {
  const session = await Session.start("modes", { stdin: "null", stderr: "pipe" });
  assert.deepEqual(await session.end(), [7, "terminals 010 echo 1 lines 1\r\n"]);
  const machine = await shared.machine;
  const program = await shared.load("terminal_keys");
  const typed = await machine.spawn(program, { args: ["modes", "line"], stdin: "terminal" });
  await typed.stdin!.write("typed\r");
  const result = await typed.wait();
  assert.equal(result.stdout, "terminals 100 echo 1 lines 1\nread 5: typed\n");
});

test("a program that is killed leaves its terminal", async () => {
  const session = await Session.start("ready line");
  await session.shows("ready\r\n");
  session.process.kill();
  assert.equal((await session.end())[0], 137);
  await session.type("nobody reads this\r");
  session.process.terminal!.resize(1, 1);
});
