import assert from "node:assert/strict";
import test from "node:test";
import { loadGuest, runGuest, runWithEvents, withMachine } from "../support/machine-guest.ts";
import { compileGuest } from "../support/compile.ts";
import { readFile } from "node:fs/promises";

test("a thread ends by returning or by thread_exit from any depth, and the process goes on", async () => {
  const { result, events } = await runWithEvents("thread_ends", ["clean"]);
  assert.deepEqual([result.exitCode, result.stdout, result.stderr], [0, "done\n", ""]);
  const finished = events.filter((event) => event.type === "thread-finished");
  assert.deepEqual(
    finished.map((event) => [event.tid, "exitCode" in event && event.exitCode]),
    [2, 3, 4, 5, 6, 7, 1].map((tid) => [tid, 0]),
  );
  assert.ok(!events.some((event) => event.type === "taint"));
});

test("after thread_exit on main the process lives until its last thread has ended", async () => {
  const result = await runGuest("thread_ends", ["main leaves"]);
  assert.deepEqual([result.exitCode, result.stdout, result.stderr], [0, "main has left\n", ""]);
  const other = await runGuest("thread_ends", ["main leaves, thread exits"]);
  assert.deepEqual([other.exitCode, other.stdout, other.stderr], [5, "main has left\n", ""]);
  const alone = await runGuest("thread_ends", ["only main leaves"]);
  assert.deepEqual([alone.exitCode, alone.stdout, alone.stderr], [0, "", ""]);
});

test("main returns while others compute and wait: the process ends with 0", async () => {
  const result = await runGuest("thread_main_returns");
  assert.deepEqual([result.exitCode, result.stdout, result.stderr], [0, "returning\n", ""]);
});

const STATES = ["compute", "futex", "atomic", "sleep", "pipe", "full", "poll", "clock", "yield"];
const OTHERS = ["join", "storm", "handler", "handler-futex", "handler-read"];

for (const state of [...STATES, ...OTHERS]) {
  test(`proc_exit ends threads in the state ${state}, called by main and by a thread`, async () => {
    await withMachine({ maxThreads: 40 }, async (machine) => {
      const program = await loadGuest(machine, "thread_states");
      const end = async (how: string) => {
        const process = await machine.spawn(program, {
          args: [state, "2", how],
          stdin: { text: "\n" },
        });
        const { exitCode, stdout, stderr, message } = await process.wait();
        return [exitCode, stdout, stderr, message];
      };
      assert.deepEqual(await end("17"), [17, "ready\n", "", undefined]);
      assert.deepEqual(await end("thread"), [42, "ready\n", "", undefined]);
      const [exitCode, , , message] = await end("trap");
      assert.equal(exitCode, 45);
      assert.match(String(message), /unreachable/);
    });
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
    const { result, events } = await runWithEvents("thread_ends", ["main traps", argument]);
    assert.deepEqual([result.exitCode, result.ok, result.signal], [45, false, undefined]);
    assert.match(result.message!, /^thread 1 of process 1 \(thread_ends\): /);
    assert.ok(result.message!.includes(kind), result.message);
    assert.ok(result.message!.includes(inner), result.message);
    assert.deepEqual(
      events.filter((event) => event.type === "taint"),
      [{ type: "taint", pid: 1, tid: 1, exitCode: 45 }],
    );
  });

  test(`${argument} on a thread ends the process with 129 and says where`, async () => {
    const { result, events } = await runWithEvents("thread_ends", ["thread traps", argument]);
    assert.deepEqual([result.exitCode, result.ok, result.signal], [129, false, undefined]);
    assert.match(result.message!, /^thread 2 of process 1 \(thread_ends\): /);
    assert.ok(result.message!.includes(kind), result.message);
    assert.ok(result.message!.includes(inner), result.message);
    assert.deepEqual(
      events.filter((event) => event.type === "taint"),
      [{ type: "taint", pid: 1, tid: 2, exitCode: 129 }],
    );
  });
}

test("when two threads exit at once, the first code that is recorded wins everywhere", async () => {
  const codes = new Set<number>();
  for (let round = 0; round < 12; round++) {
    const { result, events } = await runWithEvents("thread_ends", ["race"]);
    assert.ok([11, 22].includes(result.exitCode), `exit code ${result.exitCode}`);
    codes.add(result.exitCode);
    const told = events.flatMap((event) =>
      event.type === "taint" || event.type === "process-ended" ? [event.exitCode] : [],
    );
    assert.deepEqual(told, [result.exitCode, result.exitCode]);
  }
  assert.ok(codes.size > 0);
});

test("a call of a WASIX version that is not known is refused before anything runs, by its name", async () => {
  const bytes = await readFile(await compileGuest("thread_no_entry"));
  const text = bytes.toString("latin1").replaceAll("wasix_32v1", "wasix_32v9");
  await withMachine({}, async (machine) => {
    await assert.rejects(machine.run(Buffer.from(text, "latin1")), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, "ERR_PROGRAM_INVALID");
      assert.match(error.message, /wasix_32v9\.thread_spawn_v2/);
      return true;
    });
  });
});
