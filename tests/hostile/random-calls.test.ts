/**
 * Random calls with random arguments, of every import, by several threads at once: the program ends as it means to, the kernel holds nothing
 * afterwards, and nothing outside the mounted directory has changed.
 *
 * WEFT_FUZZ_CALLS sets the calls for each seed (100,000), half of them with a host directory mounted; WEFT_FUZZ_SEEDS the seeds: "1,2".
 */
import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { Machine } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";
import { makeTable, tableInProgram } from "./random-calls-table.ts";
import { isWell, withMachine } from "./support.ts";

const calls = Number(process.env.WEFT_FUZZ_CALLS ?? 100_000);
const seeds = (process.env.WEFT_FUZZ_SEEDS ?? "1,2").split(",").map(Number);
const threads = 4;
/** The bound of a run: about a hundred times what it takes. */
const deadline = 60_000 + calls;

/** A directory to mount with things beside it that no guest may touch. */
class Surroundings {
  readonly top = mkdtempSync(join(tmpdir(), "weft-hostile-"));
  readonly mount = join(this.top, "mount");
  private readonly before: string;

  constructor() {
    mkdirSync(this.mount);
    mkdirSync(join(this.top, "outside"));
    writeFileSync(join(this.top, "secret"), "secret");
    writeFileSync(join(this.top, "outside/secret"), "secret");
    symlinkSync("../outside", join(this.mount, "escape"));
    symlinkSync(join(this.top, "secret"), join(this.mount, "link"));
    this.before = this.describe();
  }

  private describe(): string {
    const names = [
      ...readdirSync(this.top),
      ...readdirSync(join(this.top, "outside")).map((name) => join("outside", name)),
    ];
    return names
      .map((name) => {
        const { mode, size, mtimeMs, nlink, uid } = statSync(join(this.top, name));
        const isFile = name.endsWith("secret");
        const content = isFile ? readFileSync(join(this.top, name), "latin1") : "";
        // What is in the mounted directory is the guest's.
        return name === "mount" ? [name, uid] : [name, mode, size, mtimeMs, nlink, uid, content];
      })
      .sort()
      .join("\n");
  }

  check(): void {
    assert.equal(this.describe(), this.before);
  }

  remove(): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

/** Runs the program once and reads away what it writes. */
async function runRandomCalls(
  machine: Machine,
  seed: number,
  perThread: number,
  mode: "stay" | "end",
  paths: string[],
  trace?: { descriptor: number },
) {
  const process = await machine.spawn(await compileGuest("hostile_random_calls"), {
    args: [String(seed), String(perThread), String(threads), mode, ...paths],
    timeout: deadline,
    ...(trace === undefined ? {} : { trace }),
  });
  // The program may stop itself, and nobody else would let it go on.
  const timer = setInterval(() => process.signal("SIGCONT"), 20).unref();
  let complaints = "";
  const errors = process.stderr!;
  const output = process.stdout!;
  await Promise.all([
    (async () => {
      for await (const _ of output);
    })(),
    (async () => {
      for await (const chunk of errors)
        for (const [line] of Buffer.from(chunk)
          .toString("latin1")
          .matchAll(/(stuck in|a call) [ -~]*/g))
          complaints += `${line}\n`;
    })(),
  ]);
  clearInterval(timer);
  return { ...(await process.wait()), complaints };
}

test("the program's table of imports is that of the ABI", () => {
  assert.equal(
    tableInProgram(),
    makeTable(),
    "run: node build/tests/hostile/random-calls-table.js",
  );
});

for (const seed of seeds) {
  for (const mounted of [false, true]) {
    test(`random calls, seed ${seed}${mounted ? ", with a host directory" : ""}`, async () => {
      const surroundings = new Surroundings();
      const { mount, top } = surroundings;
      const options = {
        maxThreads: threads + 20,
        maxKernelMemory: 2 ** 26,
        ...(mounted ? { mounts: { "/host": mount } } : {}),
      };
      try {
        await withMachine(options, async (machine) => {
          const paths = [join(top, "outside/secret"), top, "/host/../../secret"];
          const perThread = Math.ceil(calls / threads / 2);
          const result = await runRandomCalls(machine, seed, perThread, "stay", paths);
          assert.deepEqual(
            [result.exitCode, result.message, result.timedOut],
            [42, undefined, false],
            result.complaints,
          );
          await isWell(machine);
        });
        surroundings.check();
      } finally {
        surroundings.remove();
      }
    });
  }
}

test("random calls that may end the program in any way", async () => {
  const surroundings = new Surroundings();
  const nowhere = openSync(devNull, "w");
  try {
    const options = {
      maxThreads: 24,
      maxKernelMemory: 2 ** 26,
      mounts: { "/host": surroundings.mount },
    };
    await withMachine(options, async (machine) => {
      for (let seed = 1000 * seeds[0]; seed < 1000 * seeds[0] + 12; seed++) {
        // What traces show is read through the same pointers.
        const trace = seed % 3 === 0 ? { descriptor: nowhere } : undefined;
        const result = await runRandomCalls(machine, seed, 3000, "end", [surroundings.top], trace);
        assert.equal(result.timedOut, false, `seed ${seed}: ${result.complaints}`);
        assert.doesNotMatch(
          result.message ?? "",
          /bug of Weft|worker failed|host error/,
          `seed ${seed}`,
        );
      }
      await isWell(machine);
    });
    surroundings.check();
  } finally {
    closeSync(nowhere);
    surroundings.remove();
  }
});
