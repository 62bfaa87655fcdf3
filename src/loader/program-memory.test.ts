import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { Program } from "./program.ts";
import { createGuestMemory } from "./program-memory.ts";

/** Addresses that the process has reserved, in bytes. */
const readAddresses = () =>
  Number(/^VmSize:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;

test(
  "memories that nobody has any more do not use up the process's addresses",
  { skip: process.platform !== "linux" },
  () => {
    const program = {
      name: "many",
      isWide: false,
      memoryImport: { module: "env", name: "memory", minimum: 2, maximum: 1024, shared: true },
    } as unknown as Program;
    const before = readAddresses();
    let most = 0;
    for (let count = 0; count < 1500; count++) {
      new Uint8Array(createGuestMemory(program)!.buffer)[0] = 1;
      if (count % 50 === 0) most = Math.max(most, readAddresses() - before);
    }
    assert.ok(most < 8e12, `${most} bytes`);
  },
);
