/**
 * A host program of its own: starts a guest, ends it in one of three ways and then has nothing more to do: Node must end by itself.
 *
 *     host-program.js STATE kill|close|timeout
 */
import { Machine } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";
import { assemble } from "./support.ts";

const SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))';
const START =
  '(module (memory (export "memory") 1) (func $f (loop $l (br $l))) (start $f) (func (export "_start")))';
const PATHS: Readonly<Record<string, string>> = { copy: "big", read: "dev/zero", stat: "." };

const [state, way] = process.argv.slice(2);
const machine = await Machine.create({ maxKernelMemory: 2 ** 30, maxThreads: 16 });
const program =
  state === "spin" || state === "start"
    ? await assemble(state === "spin" ? SPIN : START)
    : await compileGuest("hostile_exhaust");
const guest = await machine.spawn(program, {
  args: [state, ...(state in PATHS ? [PATHS[state]] : [])],
  stdin: "pipe",
  stdout: "null",
  ...(way === "timeout" ? { timeout: 400 } : {}),
});
if (way !== "timeout") {
  await new Promise((resolve) => {
    setTimeout(resolve, 400);
  });
}
if (way === "kill") guest.kill();
if (way === "close") await machine.close();
const result = await guest.wait();
// A bomb of threads ends by itself, after a time of the same length.
if (state !== "bomb" && result.signal !== 9) throw new Error(JSON.stringify(result));
console.log("done");
