// Runs the examples of the README: its commands in a shell, its programs in Node, in a directory that holds the files they name.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { ExitCode } from "../../src/cli/exit-codes.ts";
import { command } from "../cli/command.ts";
import { compileGuest } from "../support/compile.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const readme = await readFile(join(root, "README.md"), "utf8");

/** The examples of a language. */
function examples(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"))].map(
    ([, text]) => text,
  );
}

/** The programs that the examples name, and what they are. */
const programs: Readonly<Record<string, string>> = {
  "hello.wasm": "hello",
  "read.wasm": "show_files",
  "count.wasm": "show_files",
  "copy.wasm": "copy_input",
  "threads.wasm": "threads_hello",
  "exit.wasm": "exit_with",
  "forever.wasm": "compute_forever",
};

/** A page's address of a file is its name in the directory. */
const FETCH = `
import { readFile } from "node:fs/promises";
globalThis.fetch = async (path) => new Response(await readFile("." + path));
`;

/** Makes the directory below the package, whose own name the examples import. */
async function prepare(name: string): Promise<string> {
  const directory = join(root, "build/readme", `${name}-${process.pid}`);
  await mkdir(join(directory, "data"), { recursive: true });
  await mkdir(join(directory, "bin"));
  for (const [file, program] of Object.entries(programs)) {
    await copyFile(await compileGuest(program), join(directory, file));
  }
  await writeFile(join(directory, "input.txt"), "text of the file\n");
  await writeFile(join(directory, "data/input.txt"), "text of the file\n");
  await writeFile(join(directory, "fetch.mjs"), FETCH);
  await writeFile(
    join(directory, "bin/weft"),
    `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`,
  );
  await chmod(join(directory, "bin/weft"), 0o755);
  return directory;
}

function execute(file: string, words: string[], directory: string) {
  const env = { ...process.env, PATH: `${join(directory, "bin")}${delimiter}${process.env.PATH}` };
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(file, words, { cwd: directory, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test("the commands work", async () => {
  const directory = await prepare("commands");
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  let count = 0;
  for (const line of examples("sh").flatMap((text) => text.trim().split("\n"))) {
    count++;
    if (line.startsWith("npm ")) {
      for (const [, script] of line.matchAll(/npm (?:run )?([\w:]+)/g)) {
        assert.ok(script === "ci" || script in scripts, `there is no script ${script}`);
      }
      continue;
    }
    const { code, stdout, stderr } = await execute("sh", ["-c", line], directory);
    assert.equal(code, 0, `${line}\n${stderr}`);
    assert.notEqual(stdout, "", line);
  }
  assert.ok(count > 5);
  assert.match(await readFile(join(directory, "calls.txt"), "utf8"), /fd_write\(/);
  await rm(directory, { recursive: true });
});

test("the programs work and print what their comments say", async () => {
  const directory = await prepare("programs");
  const printed = [
    /^0 text of the file\n/,
    /^it says: first line\nit says: second line\n0 undefined \[.*a\.txt.*b\.txt/s,
    /^3\nERR_PROGRAM_NOT_FOUND\ntrue\n$/,
    /^true true \[\]\n$/,
    /^from the page/,
  ];
  const texts = examples("js");
  assert.equal(texts.length, printed.length);
  for (const [index, text] of texts.entries()) {
    const file = join(directory, `example-${index}.mjs`);
    await writeFile(file, text);
    const ended = await execute(process.execPath, ["--import", "./fetch.mjs", file], directory);
    assert.equal(ended.stderr, "", text);
    assert.match(ended.stdout, printed[index]);
    assert.equal(ended.code, 0, text);
  }
  await rm(directory, { recursive: true });
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
