import { execFileSync } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";

test("docs/compatibility.md has the table of system calls as it is", () => {
  // From build/tests: the repository's root is two folders up.
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync(process.execPath, ["tools/gen-compatibility.mjs", "--check"], { cwd: root });
});
