/** Examples in pages of the documentation: finding them, and running them in a directory that holds the programs they name. */
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { command } from "../cli/command.ts";
import { compileGuest } from "../support/compile.ts";

export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The examples of a language in a page. */
export function findExamples(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"))].map(
    ([, text]) => text,
  );
}

/** The programs that the examples name, and what they are. */
const programs: Readonly<Record<string, string>> = {
  "hello.wasm": "hello",
  "read.wasm": "show_files",
  "count.wasm": "show_files",
  "copy.wasm": "copy_input",
  "env.wasm": "show_environment",
  "threads.wasm": "threads_hello",
  "exit.wasm": "exit_with",
  "trap.wasm": "trap_in_function",
  "forever.wasm": "compute_forever",
  "shell.wasm": "echo_arguments",
  "double.wasm": "instantiated",
  "snapshot.wasm": "process_snapshot",
  "use.wasm": "use_files",
  "start.wasm": "start_program",
};

/** A page's address of a file is its name in the directory. */
const FETCH = `
import { readFile } from "node:fs/promises";
globalThis.fetch = async (path) => new Response(await readFile("." + path));
`;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory for examples, below the package, whose own name they import. */
export class ExampleDirectory {
  private constructor(readonly path: string) {}

  /** Makes it, with all files that examples name. */
  static async make(name: string): Promise<ExampleDirectory> {
    const path = join(root, "build/readme", `${name}-${process.pid}`);
    await mkdir(join(path, "data"), { recursive: true });
    await mkdir(join(path, "bin"));
    for (const [file, program] of Object.entries(programs)) {
      await copyFile(await compileGuest(program), join(path, file));
    }
    await writeFile(join(path, "input.txt"), "text of the file\n");
    await writeFile(join(path, "data/input.txt"), "text of the file\n");
    await writeFile(join(path, "fetch.mjs"), FETCH);
    await writeFile(
      join(path, "bin/weft"),
      `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`,
    );
    await chmod(join(path, "bin/weft"), 0o755);
    return new ExampleDirectory(path);
  }

  /** Runs a line in a shell that finds the command. */
  runLine(line: string): Promise<Ended> {
    return this.execute("sh", ["-c", line]);
  }

  /** Runs a program of the library. */
  async runProgram(text: string): Promise<Ended> {
    const file = join(this.path, "example.mjs");
    await writeFile(file, text);
    return this.execute(process.execPath, ["--import", "./fetch.mjs", file]);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true });
  }

  private execute(file: string, words: string[]): Promise<Ended> {
    const path = `${join(this.path, "bin")}${delimiter}${process.env.PATH}`;
    const options = { cwd: this.path, env: { ...process.env, PATH: path } };
    return new Promise((resolve) => {
      execFile(file, words, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }
}
