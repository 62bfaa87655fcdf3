// What is run. An experiment is a measurement that several sides make in turn, round after round;
// the rows of the table (`rows.mjs`) are figures taken from it.
//
// A side answers `run()` with what `runProcess` gives. Its figures are the lines `name value unit` it
// prints, and two that every process has: `wall` and `peak_memory`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGuest, sourceOf } from "./programs.mjs";
import { runProcess } from "./process.mjs";
import { measureSizes } from "./sizes.mjs";
import * as native from "./runners/native.mjs";
import * as nodeWasi from "./runners/node-wasi.mjs";
import * as rival from "./runners/rival.mjs";
import * as weft from "./runners/weft.mjs";

const bareWorkers = fileURLToPath(new URL("runners/bare-workers.mjs", import.meta.url));

const snapshots = fileURLToPath(new URL("runners/weft-snapshot.mjs", import.meta.url));

/** A side that runs one of our programs. */
function program(runner, name, options, more = {}) {
  return {
    unavailable: runner.unavailable(),
    prepare: () => runner.prepare(name),
    run: () => runner.run(name, options),
    ...more,
  };
}

/** A side of Weft that runs a program which starts itself: it is /bin/self in a directory. */
function spawnItself(name, options, folders) {
  const run = () => {
    const directory = join(folders.host, `bin-${name}`);
    mkdirSync(directory, { recursive: true });
    copyFileSync(buildGuest(name), join(directory, "self"));
    return weft.run(name, { ...options, directories: { "/bin": directory } });
  };
  return { unavailable: weft.unavailable(), prepare: () => weft.prepare(name), run };
}

const refuse = (reason) => ({ unavailable: reason });

/** Kinds of filesystems by the number statfs gives. */
const filesystems = new Map([
  [0xef53, "ext4"],
  [0x01021994, "tmpfs"],
  [0x794c7630, "overlay"],
  [0x9123683e, "btrfs"],
  [0x58465342, "xfs"],
]);

/** The kind of filesystem a folder is on. */
function filesystemOf(folder) {
  const { type } = statfsSync(folder);
  return filesystems.get(type) ?? `type 0x${type.toString(16)}`;
}

/**
 * Folders for the calls on files: `memory` is on a filesystem in memory or undefined, `host` where the
 * system keeps temporary files. Both are new, and gone after `remove()`.
 */
export function makeFolders() {
  const make = (parent) => mkdtempSync(join(parent, "weft-bench-"));
  const shm = "/dev/shm";
  const memory = existsSync(shm) && filesystemOf(shm) === "tmpfs" ? make(shm) : undefined;
  const host = make(tmpdir());
  const remove = () => {
    for (const folder of [memory, host])
      if (folder) rmSync(folder, { recursive: true, force: true });
  };
  const kinds = {
    memory: memory ? `tmpfs at ${shm}` : "none: no tmpfs at /dev/shm",
    host: `${filesystemOf(host)} at ${tmpdir()}`,
  };
  return { memory, host, kinds, remove };
}

/** Unpacks clang's headers once and gives it the name by which it takes itself for clang. */
function prepareClang(folder) {
  const package_ = import.meta.resolve("@yowasp/clang");
  const module = join(folder, "clang.wasm");
  const resources = join(folder, "usr");
  const work = join(folder, "work");
  const find = (file) => fileURLToPath(new URL(file, package_));
  if (!existsSync(module)) {
    mkdirSync(resources);
    mkdirSync(work);
    execFileSync("tar", ["-xf", find("llvm-resources.tar"), "-C", resources], { timeout: 60_000 });
    copyFileSync(sourceOf("example"), join(work, "example.c"));
    symlinkSync(find("llvm.core.wasm"), module);
  }
  return { module, resources, work };
}

/** A side that has clang compile the example, and says with which result. */
function compileExample(runner, side, { node, folders }) {
  const compile = async () => {
    const { module, resources, work } = prepareClang(folders.host);
    const object = `example-${side}.o`;
    const result = await runner.runFile(module, {
      node,
      directories: { "/usr": resources, "/src": work },
      args: ["--target=wasm32-wasip1", "-O2", "-c", "/src/example.c", "-o", `/src/${object}`],
    });
    if (result.code !== 0) return result;
    const bytes = readFileSync(join(work, object));
    rmSync(join(work, object));
    return { ...result, digest: createHash("sha256").update(bytes).digest("hex") };
  };
  return { unavailable: runner.unavailable(), run: compile };
}

/** Why 10,000 threads are not asked of the rival: what 64 of them took. */
function tooManyForRival(samples) {
  const peak = samples("threads-64", "rival")?.figures.get("peak_memory")?.values[0];
  if (peak === undefined) return "not tried: each of its threads takes about 16 MB";
  return `not tried: 64 threads took ${(peak / 1e9).toFixed(1)} GB, these would take ${Math.round((peak / 64) * 1e-5)} GB`;
}

/**
 * All experiments for one Node.
 *
 * @param context `{ node, quick, folders, samples }`; `samples(experiment, side)` gives what has been
 *   measured before.
 * @returns a list of `{ id, title, program, rounds, sides, untimed }`, `program` the one of ours that is run, if one is, `sides` a function to an object of
 *   sides by label.
 */
export function listExperiments(context) {
  const { node, quick, folders, samples } = context;
  const rounds = quick ? 2 : 5;
  // Far more than a side that works takes.
  const timeout = quick ? 20_000 : 60_000;
  const withArguments = (...args) => ({ node, args: args.map(String), memory: true });
  const sides = (name, { many, few = many }) => ({
    native: program(native, name, { ...withArguments(...many), timeout }),
    rival: program(rival, name, { ...withArguments(...few), timeout }, quick ? { rounds: 1 } : {}),
    weft: program(weft, name, { ...withArguments(...many), timeout }),
  });
  return [
    {
      id: "spawn",
      title: "spawn and join",
      program: "spawn",
      rounds,
      sides: () => sides("spawn", { many: [2000], few: [200] }),
    },
    {
      id: "handover",
      title: "hand-over",
      program: "handover",
      rounds,
      sides: () => sides("handover", { many: [100_000], few: [3000] }),
    },
    {
      id: "handover-crowded",
      title: "hand-over among many threads",
      program: "handover",
      rounds,
      sides: () => sides("handover", { many: [100_000, 64], few: [1000, 16] }),
    },
    {
      id: "threads-64",
      title: "64 threads",
      program: "many",
      rounds,
      sides: () => {
        const all = sides("many", { many: [64] });
        all.rival.rounds = quick ? 1 : 3;
        all["bare workers"] = { run: () => runProcess(node.file, [bareWorkers, "64"]) };
        return all;
      },
    },
    {
      id: "threads-10000",
      title: "10,000 threads",
      program: "many",
      rounds: quick ? 1 : 3,
      sides: () => ({
        native: program(native, "many", withArguments(10_000)),
        rival: refuse(tooManyForRival(samples)),
        weft: node.jspi
          ? program(weft, "many", withArguments(10_000))
          : refuse("needs JSPI: without it each thread has a worker"),
      }),
    },
    {
      id: "compute",
      title: "CPU-bound work",
      program: "compute",
      rounds,
      sides: () => sides("compute", { many: [] }),
    },
    {
      id: "processes",
      title: "processes",
      program: "processes",
      rounds,
      sides: () => ({
        native: program(native, "processes", { ...withArguments(0, 200), timeout }),
        rival: refuse("its programs start others only from packages of its registry"),
        weft: spawnItself("processes", { ...withArguments(0, 200), timeout }, folders),
      }),
    },
    {
      id: "forks",
      title: "forks",
      program: "forks",
      rounds,
      sides: () => sides("forks", { many: [100], few: [20] }),
    },
    {
      id: "stacks",
      title: "stacks left and come back to",
      program: "stacks",
      rounds,
      sides: () => sides("stacks", { many: [64, 50, 5000], few: [8, 20, 500] }),
    },
    {
      id: "snapshot",
      title: "snapshot of 64 MB",
      rounds,
      sides: () => ({
        native: refuse("a system has no call that does it"),
        rival: refuse("its snapshots are not in the package for JavaScript"),
        weft: {
          unavailable: weft.unavailable(),
          run: () => runProcess(node.file, [snapshots, quick ? "2" : "5"], { timeout }),
        },
      }),
    },
    {
      id: "calls",
      title: "calls in memory",
      program: "calls",
      rounds,
      sides: () => ({
        ...sides("calls", { many: ["/tmp"] }),
        native: folders.memory
          ? program(native, "calls", withArguments(folders.memory))
          : refuse("no tmpfs at /dev/shm"),
      }),
    },
    {
      id: "host-calls",
      title: "calls in a folder of the host",
      program: "calls",
      rounds,
      sides: () => ({
        native: program(native, "calls", withArguments(folders.host)),
        rival: refuse("it mounts no folders of the host"),
        weft: program(weft, "calls", {
          ...withArguments("/host"),
          directories: { "/host": folders.host },
        }),
      }),
    },
    {
      id: "tree",
      title: "10,000 small files in memory",
      program: "tree",
      rounds,
      sides: () => ({
        ...sides("tree", { many: ["/tmp", 10_000] }),
        native: folders.memory
          ? program(native, "tree", withArguments(folders.memory, 10_000))
          : refuse("no tmpfs at /dev/shm"),
      }),
    },
    {
      id: "host-tree",
      title: "10,000 small files in a folder of the host",
      program: "tree",
      rounds,
      sides: () => ({
        native: program(native, "tree", withArguments(folders.host, 10_000)),
        rival: refuse("it mounts no folders of the host"),
        weft: program(weft, "tree", {
          ...withArguments("/host", 10_000),
          directories: { "/host": folders.host },
        }),
      }),
    },
    {
      id: "cold-start",
      title: "whole process",
      program: "hello",
      rounds: quick ? 5 : 15,
      sides: () => ({
        "node -e 0": { run: () => runProcess(node.file, ["-e", "0"]) },
        native: program(native, "hello", { node }),
        rival: program(rival, "hello", { node, timeout }, quick ? { rounds: 1 } : {}),
        weft: program(weft, "hello", { node, timeout }),
      }),
    },
    { id: "size", title: "sizes of the files", rounds: 1, untimed: true, sides: measureSizes },
    {
      id: "clang",
      title: "clang compiling",
      rounds,
      sides: () => ({
        native: refuse("not the same program: clang as WebAssembly is compared among hosts"),
        "node:wasi": compileExample(nodeWasi, "node-wasi", context),
        rival: refuse("it mounts no folders of the host"),
        weft: compileExample(weft, "weft", context),
      }),
    },
  ];
}
