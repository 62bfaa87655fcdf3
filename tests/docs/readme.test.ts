// Runs the examples of the README: its commands in a shell, its programs in Node, in a directory that holds the files they name.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { ExitCode } from "../../src/cli/exit-codes.ts";
import { ExampleDirectory, findExamples, root } from "./examples.ts";

const readme = await readFile(join(root, "README.md"), "utf8");

test("the commands work", async () => {
  const directory = await ExampleDirectory.make("commands");
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  let count = 0;
  for (const line of findExamples(readme, "sh").flatMap((text) => text.trim().split("\n"))) {
    count++;
    if (line.startsWith("npm ")) {
      for (const [, script] of line.matchAll(/npm (?:run )?([\w:]+)/g)) {
        assert.ok(script === "ci" || script in scripts, `there is no script ${script}`);
      }
      continue;
    }
    const { code, stdout, stderr } = await directory.runLine(line);
    assert.equal(code, 0, `${line}\n${stderr}`);
    assert.notEqual(stdout, "", line);
  }
  assert.ok(count > 5);
  assert.match(await readFile(join(directory.path, "calls.txt"), "utf8"), /fd_write\(/);
  await directory.remove();
});

test("the programs work and print what their comments say", async () => {
  const directory = await ExampleDirectory.make("programs");
  const printed = [
    /^0 text of the file\n/,
    /^it says: first line\nit says: second line\n0 undefined \[.*a\.txt.*b\.txt/s,
    /^3\nERR_PROGRAM_NOT_FOUND\ntrue\n$/,
    /^true true \[\]\n$/,
    /^from the page/,
  ];
  const texts = findExamples(readme, "js");
  assert.equal(texts.length, printed.length);
  for (const [index, text] of texts.entries()) {
    const ended = await directory.runProgram(text);
    assert.equal(ended.stderr, "", text);
    assert.match(ended.stdout, printed[index]);
    assert.equal(ended.code, 0, text);
  }
  await directory.remove();
});

test("the table of exit codes has all there are", () => {
  for (const code of Object.values(ExitCode)) {
    assert.match(readme, new RegExp(`^\\| (?:\\d+, )?${code}(?:,| \\+| \\|)`, "m"));
  }
});

test("what the README links to is there", async () => {
  for (const [, link] of readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    assert.ok(
      (await readFile(join(root, link)).catch(
        (error: NodeJS.ErrnoException) => error.code === "EISDIR",
      )) !== false,
      link,
    );
  }
});
