import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { compileGuest } from "../support/compile.ts";
import { run, start } from "./command.ts";

test("--timeout ends a program that computes, with code 124", async () => {
  for (const name of ["compute_forever", "threads_compute_forever"]) {
    const program = await compileGuest(name);
    const { code, stdout, stderr } = await run(["run", "--timeout", "0.5", program]);
    assert.equal(code, 124, `${name}: ${stderr}`);
    assert.equal(stdout, "running\n");
    assert.match(stderr, /^weft: .*was ended after 0\.5 s \(--timeout\)\.\n$/);
  }
});

test("--timeout changes nothing for a program that ends in time", async () => {
  const { code, stdout } = await run(["run", "--timeout", "60", await compileGuest("hello")]);
  assert.equal(stdout, "hello, world\n");
  assert.equal(code, 0);
  const copied = await run(["run", "--timeout", "60", await compileGuest("copy_input")], {
    stdin: "some text",
  });
  assert.equal(copied.stdout, "some text");
});

test("signals end programs that compute, on this thread or on workers", async () => {
  for (const name of ["compute_forever", "threads_compute_forever"]) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const { child, ended, printed } = start(["run", await compileGuest(name)]);
      await printed("running");
      child.kill(signal);
      assert.equal((await ended).signal, signal, `${name}, ${signal}`);
    }
  }
});

test("signals end programs that wait for input", async () => {
  for (const name of ["copy_input", "threads_copy_input"]) {
    const { child, ended, printed } = start(["run", await compileGuest(name)]);
    child.stdin!.write("heard\n");
    await printed("heard");
    child.kill("SIGINT");
    assert.equal((await ended).signal, "SIGINT", name);
  }
});

test("a program ends with its exit code while another of its threads computes", async () => {
  const { code, stderr } = await run(["run", await compileGuest("threads_compute_forever"), "9"]);
  assert.equal(stderr, "");
  assert.equal(code, 9);
});

test("a program ends while another of its threads waits to write to where nobody reads", async () => {
  const { child, ended } = start(["run", await compileGuest("threads_held_up")]);
  child.stdout!.pause();
  await once(child, "exit");
  child.stdout!.resume();
  const { code, stderr } = await ended;
  assert.equal(stderr, "");
  assert.equal(code, 5);
});
