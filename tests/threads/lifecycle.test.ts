import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { MachineEvent } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";
import { loadGuest, SharedMachine, withMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

const nap = () =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, 1);
  });

const child = fileURLToPath(new URL("../support/machine-child.js", import.meta.url));

for (const [how, when] of [
  ["leave", "when its work is done, with the machine left open"],
  ["kill", "after a kill, with the machine left open"],
  ["close", "after close"],
]) {
  test(`Node ends by itself ${when}`, async () => {
    await Promise.all(["thread_storm", "thread_states"].map((name) => compileGuest(name)));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, how]);
    assert.deepEqual([stdout, stderr], [`0 5 ${how}\n`, ""]);
  });
}

test("events tell of each thread: created, started, finished; the process's end comes last", async () => {
  const { result, events } = await shared.runWithEvents("thread_storm", ["at-once", "12"]);
  assert.equal(result.exitCode, 0);
  assert.equal(events.length, 3 * 13 + 1);
  assert.ok(events.every((event) => event.pid === result.pid));
  assert.deepEqual(events.at(-1), { type: "process-ended", pid: result.pid, tid: 0, exitCode: 0 });
  assert.deepEqual([events[0].type, events[1].type], ["thread-created", "thread-started"]);
  for (let tid = result.pid; tid <= result.pid + 12; tid++) {
    const life = events.filter((event) => "tid" in event && event.tid === tid);
    assert.deepEqual(
      life.map((event) => event.type),
      ["thread-created", "thread-started", "thread-finished"],
    );
  }
});

test("events tell of waits where they are asked for: each sleep of a thread, then its end", async () => {
  const machine = await shared.machine;
  for (const [name, args] of [
    ["thread_waits", ["sleep"]],
    ["stack_sleepers", ["timers"]],
  ] as const) {
    const events: MachineEvent[] = [];
    const stop = machine.onEvent((event) => void events.push(event), { waits: true });
    const { exitCode, pid } = await shared.run(name, args);
    assert.equal(exitCode, 0);
    while (!events.some(({ type }) => type === "process-ended")) await nap();
    stop();
    const asleep = new Set<number>();
    let sleeps = 0;
    for (const event of events) {
      assert.equal(event.pid, pid);
      if (event.type === "thread-slept") {
        assert.ok(!asleep.has(event.tid), `thread ${event.tid} sleeps twice`);
        asleep.add(event.tid);
        sleeps++;
      } else if (event.type === "thread-woken") {
        assert.ok(asleep.delete(event.tid), `thread ${event.tid} wakes without having slept`);
      }
    }
    assert.ok(sleeps > 0);
    assert.equal(asleep.size, 0);
  }
});

test("a killed process's threads are each told to have finished, once", async () => {
  const machine = await shared.machine;
  const seen: string[] = [];
  const stop = machine.onEvent((event) => seen.push(event.type));
  const process = await shared.spawnReady("thread_states", ["compute", "5"]);
  process.kill();
  await process.wait();
  while (!seen.includes("process-ended")) await nap();
  stop();
  const count = (type: string) => seen.filter((other) => other === type).length;
  assert.equal(count("thread-finished"), count("thread-created"));
  assert.equal(count("thread-finished"), 6);
  assert.equal(count("process-ended"), 1);
  assert.equal(seen.at(-1), "process-ended");
});

test("trace lines say the time, process and thread, in the order of each thread's calls", async () => {
  const lines: string[] = [];
  const result = await shared.run("thread_ends", ["clean"], { trace: (line) => lines.push(line) });
  assert.equal(result.exitCode, 0);
  const { pid } = result;
  const line = new RegExp(`^\\d+\\.\\d{6} \\[${pid}\\.?\\d*\\] (\\w+\\(.*\\) = |\\+\\+\\+ \\w+)`);
  for (const text of lines) assert.match(text, line);
  const callsOf = (tid: number) =>
    lines
      .filter((text) => text.includes(` [${pid}.${tid}] `) && !text.includes("+++"))
      .map((text) => /\] (\w+)/.exec(text)![1]);
  assert.deepEqual(callsOf(pid + 1), ["thread_exit"]);
  assert.deepEqual(callsOf(pid + 2), ["futex_wake_all"]);
  assert.equal(callsOf(pid).at(-1), "proc_exit");
  assert.equal(callsOf(pid).filter((name) => name === "thread_spawn_v2").length, 6);
});

test("a trace tells of the life of each thread, in order: made, started, asleep, awake, finished", async () => {
  for (const [name, args] of [
    ["thread_waits", ["sleep"]],
    ["thread_storm", ["at-once", "12"]],
    ["stack_sleepers", ["timers"]],
  ] as const) {
    const lines: string[] = [];
    const trace = (line: string) => lines.push(line);
    const { pid, exitCode } = await shared.run(name, args, { trace });
    assert.equal(exitCode, 0);
    const lives = new Map<string, string[]>();
    for (const line of lines) {
      const life = /^\d+\.\d{6} \[([\d.]+)\] \+\+\+ (.*)$/.exec(line);
      if (life !== null) lives.set(life[1], [...(lives.get(life[1]) ?? []), life[2]]);
    }
    assert.deepEqual(lives.get(String(pid)), ["process ended with 0"]);
    assert.ok(lines.at(-1)!.endsWith("process ended with 0"));
    lives.delete(String(pid));
    assert.ok(lives.has(`${pid}.${pid}`));
    for (const [thread, words] of lives) {
      const text = words.join(", ");
      assert.match(text, /^created, started(, sleeps, awake)*, finished with 0$/, thread);
    }
    assert.ok(
      [...lives.values()].some((words) => words.includes("sleeps")) || name === "thread_storm",
    );
  }
});

test("a trace tells of what ends a program: a trap on each line of its stack, an exit code", async () => {
  const traceOf = async (args: string[]) => {
    const lines: string[] = [];
    const { pid } = await shared.run("thread_ends", args, { trace: (line) => lines.push(line) });
    const who = `[${pid}.${pid + 1}] +++ `;
    return lines.flatMap((line) => (line.includes(who) ? [line.split(who)[1]] : []));
  };
  const [created, started, trap, ...stack] = await traceOf(["thread traps", "unreachable"]);
  assert.deepEqual([created, started], ["created", "started"]);
  assert.match(trap, /^tainted: thread \d+ of process \d+ \(thread_ends\): .*unreachable/);
  assert.ok(stack.some((line) => line.includes("spring_the_trap")));
  assert.equal(stack.at(-1), "finished with 129");
  const exit = await traceOf(["main leaves, thread exits"]);
  assert.ok(exit.includes("tainted: exit code 5"), exit.join("\n"));
});

test("a refused thread is told: the limit with the stack's bounds, the missing entry by its name", async () => {
  await withMachine({ maxThreads: 4 }, async (machine) => {
    const events: MachineEvent[] = [];
    const stop = machine.onEvent((event) => void events.push(event));
    const program = await loadGuest(machine, "thread_doors");
    const lines: string[] = [];
    const trace = (line: string) => lines.push(line);
    assert.equal((await machine.run(program, { args: ["limit"], trace })).exitCode, 0);
    const other = await machine.run(await loadGuest(machine, "thread_no_entry"));
    while (events.filter(({ type }) => type === "process-ended").length < 2) await nap();
    stop();
    const refused = events.filter((event) => event.type === "thread-refused");
    assert.deepEqual(
      refused.map(({ pid, tid }) => [pid, tid]),
      [
        [1, 1],
        [1, 1],
        [other.pid, other.pid],
        [other.pid, other.pid],
      ],
    );
    assert.match(
      refused[0].reason,
      /^a limit, or the process ends; stack 0x[0-9a-f]+ to 0x[0-9a-f]+$/,
    );
    assert.match(refused[2].reason, /does not export wasi_thread_start/);
    assert.equal(
      lines.filter((line) => line.includes(`thread refused: ${refused[0].reason}`)).length,
      2,
    );
  });
});

test("wait resolves after the last line of the trace, and rejects with what the callback throws", async () => {
  const program = await shared.load("hello");
  const machine = await shared.machine;
  for (let round = 0; round < 20; round++) {
    const lines: string[] = [];
    await machine.run(program, { trace: (line) => lines.push(line) });
    assert.match(lines.at(-2)!, /fd_write\(1, .*hello, world|finished with 0$/);
    assert.match(lines.at(-1)!, /\+\+\+ process ended with 0$/);
  }
  const broken = new Error("the callback failed");
  const trace = () => {
    throw broken;
  };
  await assert.rejects(machine.run(program, { trace }), broken);
});

test("without room for a process's first thread, spawn throws ERR_LIMIT and nothing is left", async () => {
  await withMachine({ maxKernelMemory: 2 * 2 ** 20 }, async (machine) => {
    const program = await loadGuest(machine, "thread_storm");
    const { exitCode } = await machine.run(program, { args: ["sequential", "5"] });
    assert.equal(exitCode, 0);
    // Files take up the kernel heap, in ever smaller pieces, until a process does not fit.
    let piece = 2 ** 16;
    for (let index = 0; piece >= 16; index++)
      await machine.fs.writeFile(`/${index}`, new Uint8Array(piece)).catch(() => (piece >>= 1));
    await assert.rejects(machine.run(program, { args: ["sequential", "5"] }), {
      code: "ERR_LIMIT",
    });
  });
});
