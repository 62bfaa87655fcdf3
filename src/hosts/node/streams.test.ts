import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { Filetype } from "../../abi/enums.ts";
import { nodeStreams } from "./streams.ts";

function typeOf(path: string): number {
  const descriptor = openSync(path, "r");
  try {
    return nodeStreams.typeOf(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

test("a file is a file, and a device that is no terminal no terminal", () => {
  assert.equal(typeOf(fileURLToPath(import.meta.url)), Filetype.REGULAR_FILE);
  assert.equal(typeOf("/dev/null"), Filetype.UNKNOWN);
  assert.equal(nodeStreams.typeOf(12345), Filetype.UNKNOWN);
});
