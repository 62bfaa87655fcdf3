// Runs the tests of tests/browser in Chromium: needs the build, and Debian's Chromium (or another, named by CHROMIUM).
//
//   node tools/test-browser.mjs [filter]
//
// Builds the example page with Vite first. Each file runs in a process of its own, one after the other, and is ended when it
// takes too long. The last line is "N passed, N failed" over all files.

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const fileTimeout = 120_000; // milliseconds
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const filter = process.argv[2] ?? "";

/** Runs a program of this Node; resolves with its exit code and what it printed, which is also shown. */
function runNode(words) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, words, {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, FORCE_COLOR: "0" },
      // A group of its own, so that a browser which it started ends with it.
      detached: process.platform !== "win32",
    });
    let output = "";
    const timer = setTimeout(() => {
      console.log(`${words.at(-1)} did not end within ${fileTimeout / 1000} s`);
      endGroup(child);
    }, fileTimeout);
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

function endGroup(child) {
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch {
    // It has ended by itself meanwhile.
  }
}

if (!existsSync(chromium)) {
  console.error(
    `${chromium} is not there: install Chromium (apt-get install chromium) or name one in CHROMIUM`,
  );
  process.exit(1);
}

const built = await runNode(["examples/page/build.mjs"]);
if (built.code !== 0) {
  console.log("0 passed, 1 failed");
  process.exit(1);
}

const directory = join(root, "build/tests/browser");
const files = readdirSync(directory)
  .filter((file) => file.endsWith(".test.js") && file.includes(filter))
  // What was built from a source that is gone is no test any more.
  .filter((file) => existsSync(join(root, "tests/browser", file.replace(/\.js$/, ".ts"))))
  .sort();
let passed = 0;
let failed = 0;
for (const file of files) {
  console.log(`\n${file}`);
  const { code, output } = await runNode(["--test-reporter=spec", join(directory, file)]);
  const total = (name) =>
    Number([...output.matchAll(new RegExp(`^\\S* ?${name} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  const failures = total("fail") + total("cancelled");
  passed += total("pass");
  failed += failures + (code !== 0 && failures === 0 ? 1 : 0);
}
if (files.length === 0) failed = 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
