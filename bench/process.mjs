// Runs one program to its end: output, exit, time on the wall, and the most memory it held.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** The highest resident set so far, in bytes, where the system tells it (Linux). */
function readPeakMemory(pid) {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match ? Number(match[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `command` and resolves when it has ended; never rejects for what the program does.
 *
 * The time goes from just before the spawn until the exit is seen. Memory is read every 25 ms if
 * asked for: it is a high-water mark, so only growth in the last 25 ms can be missed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ timeout?: number, memory?: boolean, cwd?: string }} options `timeout` in ms; then the
 *   program is killed.
 * @returns `{ code, signal, timedOut, stdout, stderr, wall, peakMemory }`, `wall` in ms, `peakMemory` in bytes.
 */
export function runProcess(command, args, { timeout = 120_000, memory = false, cwd } = {}) {
  return new Promise((resolve) => {
    const output = { stdout: "", stderr: "" };
    let peakMemory;
    let ended;
    let timedOut = false;
    const before = performance.now();
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of ["stdout", "stderr"])
      child[stream].setEncoding("utf8").on("data", (text) => (output[stream] += text));
    const poll =
      memory &&
      setInterval(() => {
        peakMemory = readPeakMemory(child.pid) ?? peakMemory;
      }, 25);
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
      // A process it started may still hold the pipes open: do not wait for that one's end.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeout);
    child.on("exit", () => (ended = performance.now()));
    const settle = (code, signal, error) => {
      clearInterval(poll);
      clearTimeout(limit);
      if (error) output.stderr += error.message;
      const wall = (ended ?? performance.now()) - before;
      resolve({ code, signal, timedOut, ...output, wall, peakMemory });
    };
    child.on("error", (error) => settle(null, null, error));
    child.on("close", (code, signal) => settle(code, signal));
  });
}

/** Why a finished run is not a success, in a few words; undefined when it is one. */
export function reasonOfFailure({ code, signal, timedOut, stdout, stderr, wall }) {
  if (timedOut) return `no end after ${Math.round(wall / 1000)} s`;
  if (code === 0) return undefined;
  const lines = (stderr.trim() || stdout.trim()).split("\n");
  const telling = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
  return `${code === null ? signal : `exit code ${code}`}${telling ? `: ${telling.trim().slice(0, 160)}` : ""}`;
}
