// Runs the built tests under the system's Node and under the current one.
//
//   node tools/test.mjs [--node=20|current|both] [--unbundled] [filter]
//
// The tests under tests/ use the library as it is published, dist/node.js. With --unbundled they use what the compiler
// made of each source, whose names in traces of stacks can be read. A filter picks the files whose path contains it. Each file runs in a process of its own, two at a time, and is ended
// when it takes too long, so that a hang is a failure that names its file. What a file prints is shown only where it
// fails. The last line is "N passed, N failed" over everything, with ", N skipped" where there are any.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const concurrency = 2;
const fileTimeout = 120_000; // milliseconds

// ---------------------------------------------------------------------------------------------------------------------

const words = process.argv.slice(2);
const which = words.find((word) => word.startsWith("--node="))?.slice("--node=".length) ?? "both";
const filters = words.filter((word) => !word.startsWith("--"));
const unbundled = words.includes("--unbundled");
const unknown = words.find((word) => /^--(?!node=|unbundled$)/.test(word));
if (unknown || !["20", "current", "both"].includes(which)) {
  console.error("usage: node tools/test.mjs [--node=20|current|both] [--unbundled] [filter]");
  process.exit(2);
}

/** The Node of the system. npm puts node_modules/.bin first on the path, where the current Node lies: not that one. */
function findSystemNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  const path = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => directory && !directory.split(sep).includes("node_modules"))
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
  if (!path) throw new Error("no node on the PATH outside node_modules: install Node 20 or later");
  return path;
}

/** The current Node, which the devDependency `node` brings. Where its install script did not run, the binary lies deeper. */
function findCurrentNode() {
  const packages = [
    "node",
    `node/node_modules/node-${process.platform}-${process.arch}`,
    `node-${process.platform}-${process.arch}`,
  ];
  const paths = packages.flatMap((name) => [
    join(root, "node_modules", name, "bin/node"),
    join(root, "node_modules", name, "bin/node.exe"),
  ]);
  const path = paths.find((file) => existsSync(file));
  if (!path) {
    throw new Error(`the current Node is not installed (run npm ci): none of\n${paths.join("\n")}`);
  }
  return path;
}

function listTests(directory) {
  if (!existsSync(directory)) return [];
  return (
    readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".test.js"))
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
      .map((file) => file.split(sep).join("/"))
      .filter((file) => !file.startsWith("build/tests/browser/"))
      // What was built from a source that is gone is no test any more.
      .filter((file) => existsSync(join(root, file.slice("build/".length, -".js".length) + ".ts")))
      .filter((file) => filters.every((filter) => file.includes(filter)))
      .sort()
  );
}

// ---------------------------------------------------------------------------------------------------------------------

const running = new Set();

/** Ends a child and whatever it started. */
function killGroup(child) {
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch {
    // It has ended by itself meanwhile.
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    running.forEach(killGroup);
    process.exit(1);
  });
}

/** Runs one file; resolves with what it printed and how its tests went, and never rejects. */
function runFile(node, file) {
  return new Promise((resolve) => {
    const started = performance.now();
    const hooks =
      file.startsWith("build/tests/") && !unbundled ? ["--import", "./tools/use-bundle.mjs"] : [];
    const child = spawn(node, [...hooks, "--test-reporter=spec", file], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, FORCE_COLOR: "0", NODE_OPTIONS: "" },
      // A group of its own, so that what it started can be ended with it.
      detached: process.platform !== "win32",
    });
    let output = "";
    let timedOut = false;
    running.add(child);
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, fileTimeout);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    }
    child.on("error", (error) => (output += `${error.message}\n`));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({
        ...judge(output, code, signal, timedOut),
        output,
        seconds: (performance.now() - started) / 1000,
      });
    });
  });
}

/** Counts a file's tests. A file that ended badly without a failed test, or never ended, is itself a failure. */
function judge(output, code, signal, timedOut) {
  // The last such line: a guest program may print anything before.
  const total = (name) =>
    Number([...output.matchAll(new RegExp(`^\\S* ?${name} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  const passed = total("pass");
  const skipped = total("skipped") + total("todo");
  let failed = total("fail") + total("cancelled");
  let problem = "";
  if (timedOut) problem = `did not end within ${fileTimeout / 1000} s`;
  else if (signal) problem = `was ended by ${signal}`;
  else if (code !== 0 && failed === 0) problem = `ended with code ${code}`;
  else if (passed + failed + skipped === 0) problem = "ran no test";
  if (problem) failed += 1;
  return { passed, failed, skipped, problem };
}

async function runAll(node, files, totals) {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  console.log(`Node ${version}: ${files.length} files`);
  const failures = [];
  const queue = files.values();
  const work = async () => {
    for (const file of queue) {
      const result = await runFile(node, file);
      for (const key of ["passed", "failed", "skipped"]) totals[key] += result[key];
      const mark = result.failed ? "FAIL" : "ok";
      const skipped = result.skipped ? `, ${result.skipped} skipped` : "";
      const counts = `${result.passed} passed${result.failed ? `, ${result.failed} failed` : ""}${skipped}`;
      console.log(`${mark.padEnd(4)} ${file}  ${counts}  ${result.seconds.toFixed(1)} s`);
      if (result.failed) {
        const problem = result.problem && `${file} ${result.problem}\n`;
        console.log(`${result.output.replace(/^/gm, "     ")}\n${problem}`);
        failures.push(`${version} ${file}`);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return failures;
}

// ---------------------------------------------------------------------------------------------------------------------

const files = listTests(join(root, "build"));
if (files.length === 0) {
  console.error(
    `no test matches ${filters.join(" ") || "build/**/*.test.js"}: run npm run build first`,
  );
  process.exit(1);
}
const nodes = [];
if (which !== "current") nodes.push(findSystemNode());
if (which !== "20") nodes.push(findCurrentNode());

const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
for (const node of nodes) failures.push(...(await runAll(node, files, totals)));
if (failures.length > 0) console.log(`failed:\n${failures.join("\n")}\n`);
const skipped = totals.skipped ? `, ${totals.skipped} skipped` : "";
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
