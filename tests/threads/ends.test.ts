import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { compileGuest } from "../support/compile.ts";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine({ maxThreads: 40 });

test("a thread ends by returning or by thread_exit from any depth, and the process goes on", async () => {
  const { result, events } = await shared.runWithEvents("thread_ends", ["clean"]);
  assert.deepEqual([result.exitCode, result.stdout, result.stderr], [0, "done\n", ""]);
  const finished = events.filter((event) => event.type === "thread-finished");
  assert.deepEqual(
    finished.map((event) => [event.tid - event.pid, event.exitCode]),
    [1, 2, 3, 4, 5, 6, 0].map((offset) => [offset, 0]),
  );
  assert.ok(!events.some((event) => event.type === "taint"));
});

test("after thread_exit on main the process lives until its last thread has ended", async () => {
  const result = await shared.run("thread_ends", ["main leaves"]);
  assert.deepEqual([result.exitCode, result.stdout, result.stderr], [0, "main has left\n", ""]);
  const other = await shared.run("thread_ends", ["main leaves, thread exits"]);
  assert.deepEqual([other.exitCode, other.stdout, other.stderr], [5, "main has left\n", ""]);
  const alone = await shared.run("thread_ends", ["only main leaves"]);
  assert.deepEqual([alone.exitCode, alone.stdout, alone.stderr], [0, "", ""]);
});

test("main returns while others compute and wait: the process ends with 0", async () => {
  const result = await shared.run("thread_main_returns");
  assert.deepEqual([result.exitCode, result.stdout, result.stderr], [0, "returning\n", ""]);
});

const STATES = ["compute", "futex", "atomic", "sleep", "pipe", "full", "poll", "clock", "yield"];
const OTHERS = ["join", "storm", "handler", "handler-futex", "handler-read"];

for (const state of [...STATES, ...OTHERS]) {
  test(`proc_exit by main and by a thread, and a trap, end threads in the state ${state}`, async () => {
    const end = async (how: string) => {
      const args = [state, "2", how];
      const result = await shared.run("thread_states", args, { stdin: { text: "\n" } });
      return [result.exitCode, result.stdout, result.stderr, result.message];
    };
    assert.deepEqual(await end("17"), [17, "ready\n", "", undefined]);
    assert.deepEqual(await end("thread"), [42, "ready\n", "", undefined]);
    const [exitCode, , , message] = await end("trap");
    assert.equal(exitCode, 45);
    assert.match(String(message), /unreachable/);
  });
}

const TRAPS: [argument: string, kind: string][] = [
  ["unreachable", "unreachable"],
  ["bounds", "memory access out of bounds"],
  ["divide", "integer divide by zero"],
  ["indirect", "indirect call"],
  ["overflow", "stack overflow"],
];

for (const [argument, kind] of TRAPS) {
  const inner = argument === "overflow" ? "recurse_without_end" : "spring_the_trap";

  test(`${argument} on main ends the process with 45 and says where`, async () => {
    const { result, events } = await shared.runWithEvents("thread_ends", ["main traps", argument]);
    assert.deepEqual([result.exitCode, result.ok, result.signal], [45, false, undefined]);
    const { pid } = result;
    assert.ok(result.message!.startsWith(`thread ${pid} of process ${pid} (thread_ends): `));
    assert.ok(result.message!.includes(kind), result.message);
    assert.ok(result.message!.includes(inner), result.message);
    const taint = { type: "taint", pid, tid: pid, exitCode: 45, reason: result.message };
    assert.deepEqual(
      events.filter((event) => event.type === "taint"),
      [taint],
    );
  });

  test(`${argument} on a thread ends the process with 129 and says where`, async () => {
    const { result, events } = await shared.runWithEvents("thread_ends", [
      "thread traps",
      argument,
    ]);
    assert.deepEqual([result.exitCode, result.ok, result.signal], [129, false, undefined]);
    const { pid } = result;
    assert.ok(result.message!.startsWith(`thread ${pid + 1} of process ${pid} (thread_ends): `));
    assert.ok(result.message!.includes(kind), result.message);
    assert.ok(result.message!.includes(inner), result.message);
    const taint = { type: "taint", pid, tid: pid + 1, exitCode: 129, reason: result.message };
    assert.deepEqual(
      events.filter((event) => event.type === "taint"),
      [taint],
    );
  });
}

test("when two threads exit at once, the first code that is recorded wins everywhere", async () => {
  for (let round = 0; round < 12; round++) {
    const { result, events } = await shared.runWithEvents("thread_ends", ["race"]);
    assert.ok([11, 22].includes(result.exitCode), `exit code ${result.exitCode}`);
    const told = events.flatMap((event) =>
      event.type === "taint" || event.type === "process-ended" ? [event.exitCode] : [],
    );
    assert.deepEqual(told, [result.exitCode, result.exitCode]);
    const taint = events.find((event) => event.type === "taint");
    assert.equal(taint?.reason, `exit code ${result.exitCode}`);
  }
});

test("a call of a WASIX version that is not known is refused before anything runs, by its name", async () => {
  const bytes = await readFile(await compileGuest("thread_no_entry"));
  const text = bytes.toString("latin1").replaceAll("wasix_32v1", "wasix_32v9");
  const machine = await shared.machine;
  await assert.rejects(machine.run(Buffer.from(text, "latin1")), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, "ERR_PROGRAM_INVALID");
    assert.match(error.message, /wasix_32v9\.thread_spawn_v2/);
    return true;
  });
});

test("a dynamically linked program is refused before anything runs", async () => {
  const machine = await shared.machine;
  const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const dylink = [0, 9, 8, ...new TextEncoder().encode("dylink.0")];
  await assert.rejects(machine.run(Uint8Array.from([...header, ...dylink])), {
    code: "ERR_PROGRAM_INVALID",
    message: /is dynamically linked/,
  });
});
