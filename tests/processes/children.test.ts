import assert from "node:assert/strict";
import test from "node:test";
import { SelfMachine } from "../support/self-guest.ts";

const children = new SelfMachine("process_children", (bytes) => ({
  "/bin/text": "no program\n",
  "/bin/broken": bytes.subarray(0, bytes.length / 2),
  "/bin/circle": "#!/bin/circle\n",
  "/bin/script": "#! /bin/self  tell \n",
}));
const execs = new SelfMachine("process_exec", (bytes) => ({
  "/bin/broken": bytes.subarray(0, bytes.length / 2),
}));
const env = { NAME: "value" };

for (const [name, expected] of [
  ["join", ""],
  ["poll", ""],
  ["pipeline", "through both\n"],
  ["operations", "in /tmp: [tell] NAME=value\nin /tmp/deep/er: [tell] NAME=value\n"],
  [
    "strings",
    "in /: [tell] [] [two\nlines] ONLY=this\nin /: [tell] [] [three\r] [four] NAME=value\n",
  ],
  ["search", "in /: [tell] [/bin/script] [last] NAME=value\n"],
  ["orphans", "an orphan\n"],
  ["signals", ""],
  ["threads", ""],
  ["handles", "and back\n"],
] as const) {
  test(`children: ${name}`, async () => {
    const { exitCode, stdout, stderr } = await children.run([name], { env });
    assert.deepEqual([exitCode, stderr, stdout], [0, "", expected]);
  });
}

test("a file that is no program is told to the host, with the reason", async () => {
  const before = children.events.length;
  await children.run(["search"], { env });
  const refused = children.events.slice(before).filter((event) => event.type === "program-refused");
  assert.deepEqual(
    refused.map(({ path }) => path),
    ["/bin/broken"],
  );
  assert.match(String(refused[0].cause), /broken/);
});

for (const name of ["same-pid", "threads"]) {
  test(`exec keeps the pid: ${name}`, async () => {
    const { exitCode, pid, stdout, stderr } = await execs.run([name]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", `${pid}\n${pid}\n`]);
  });
}

for (const [name, expected] of [
  ["descriptors", "cdef\n"],
  ["taken", "written\nwritten\n"],
  ["environment", "A=1\nB=two\n"],
  ["race", "raced\n"],
  ["waiting-signal", "it goes on\n"],
  ["vfork", "from the child\n"],
] as const) {
  test(`exec: ${name}`, async () => {
    const { exitCode, stdout, stderr } = await execs.run([name]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", expected]);
  });
}

test("a program replaces itself a hundred times", async () => {
  const { exitCode, pid, stdout, stderr } = await execs.run(["many"]);
  assert.deepEqual([exitCode, stderr, stdout], [0, "", `${pid}\n`]);
});

test("the forms of exec that cannot tell of a failure end the process", async () => {
  const { exitCode, message } = await execs.run(["failing"]);
  assert.equal(exitCode, 45);
  assert.match(message!, /"\/bin\/absent" cannot be run: ENOENT/);
});

test("the oldest form of exit cannot return from a child to its parent, which ends too", async () => {
  const { exitCode } = await execs.run(["vfork-exit"]);
  assert.equal(exitCode, 129);
});

test("who is killed while calling as a child leaves nothing", async () => {
  const process = await execs.spawn(["vfork-killed"]);
  for await (const line of process.stdout!.lines()) if (line === "ready") process.kill();
  assert.equal((await process.wait()).signal, 9);
});
