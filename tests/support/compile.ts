// Compiles the guest programs of tests/programs when a test asks for one. The compiler is itself a guest: clang, which Weft runs.
//
// A program is one C file, or one .wat file. Comment lines at its top say how it is built:
//   // guest: libc       with the C library, single-threaded (the default)
//   // guest: threads    without a C library, with include/weft.h, on a shared memory
//   // flags: -O1 -DX    more options for the compiler
//   // instrumented: yes  with asyncify, by what `weft instrument` runs
// What was compiled is kept in build/guests under a name that holds a hash of everything it was made from, so it is
// made once, also where several test processes ask at the same time: a directory beside it is the lock.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type LoadedProgram, Machine } from "../../src/api/node.ts";
import { instrumentProgram } from "../../src/api/instrument.ts";
import { C_LIBRARIES, C_LIBRARY_PATH, C_START, loadTools, readToolFiles } from "./toolchain.ts";

/** What a guest program may be compiled with, besides what its own first lines say. */
export interface CompileOptions {
  /** More options for the compiler, after all others. */
  flags?: string[];
  /** With asyncify, also where its first lines do not say so. */
  instrumented?: boolean;
}

const root = findRoot(dirname(fileURLToPath(import.meta.url)));
const programs = join(root, "tests/programs");
const guests = join(root, "build/guests");

const libcFlags = ["--target=wasm32-wasip1", "-O2", "-Wall", "-Iinclude"];
const threadFlags = [
  ...libcFlags,
  "-ffreestanding",
  "-nostdlib",
  "-matomics",
  "-mbulk-memory",
  "-mmutable-globals",
  "-Wl,--import-memory,--shared-memory,--max-memory=268435456",
  "-Wl,--export-if-defined=__stack_pointer,--export-if-defined=__heap_base",
  "-Wl,--export-if-defined=__tls_base,--export-table",
];

/** The nearest folder above with a package.json: this runs from build/ as well as from its source. */
function findRoot(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error("no package.json above tests/support");
  return findRoot(parent);
}

/**
 * Compiles a guest program, unless that has been done.
 * @param name the program: a file of tests/programs without its ending
 * @returns the path of the module
 * @throws an error with the compiler's messages, where it does not compile
 */
export async function compileGuest(name: string, options: CompileOptions = {}): Promise<string> {
  const text = await readProgram(name);
  const path = join(
    guests,
    `${name.replaceAll("/", "_")}-${await hashProgram(text, options)}.wasm`,
  );
  if (existsSync(path)) return path;
  await mkdir(guests, { recursive: true });
  await withLock(path + ".lock", async () => {
    if (existsSync(path)) return;
    const plain = text.wat ? await assemble(name, text.wat) : await compile(name, text.c!, options);
    const bytes = isInstrumented(text, options) ? await instrumentProgram(plain, name) : plain;
    const temporary = `${path}.${process.pid}`;
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  });
  return path;
}

/** The names of all guest programs. */
export async function listGuests(): Promise<string[]> {
  const entries = await readdir(programs);
  return entries
    .filter((entry) => /\.(c|wat)$/.test(entry))
    .map((entry) => entry.replace(/\.\w+$/, ""))
    .sort();
}

// ---------------------------------------------------------------------------------------------------------------------

interface ProgramText {
  c?: string;
  wat?: string;
}

async function readProgram(name: string): Promise<ProgramText> {
  const path = join(programs, name);
  if (existsSync(path + ".c")) return { c: await readFile(path + ".c", "utf8") };
  if (existsSync(path + ".wat")) return { wat: await readFile(path + ".wat", "utf8") };
  throw new Error(`no guest program ${name}: neither tests/programs/${name}.c nor ${name}.wat`);
}

function isInstrumented({ c, wat }: ProgramText, options: CompileOptions): boolean {
  if (options.instrumented === true) return true;
  return c === undefined
    ? /^;; instrumented: yes$/m.test(wat!)
    : headValue(c, "instrumented") === "yes";
}

/** The value of `// key: value` among the comments a file opens with. */
function headValue(text: string, key: string): string | undefined {
  const head = /^(\/\/.*\n)*/.exec(text)![0];
  return new RegExp(`^// ${key}: *(.*)$`, "m").exec(head)?.[1]?.trim();
}

function compilerFlags(name: string, text: string, options: CompileOptions): string[] {
  const mode = headValue(text, "guest") ?? "libc";
  if (mode !== "libc" && mode !== "threads") {
    throw new Error(`tests/programs/${name}.c: "// guest: ${mode}" is neither libc nor threads`);
  }
  const own = headValue(text, "flags")?.split(/\s+/) ?? [];
  return [...(mode === "libc" ? libcFlags : threadFlags), ...own, ...(options.flags ?? [])];
}

async function hashProgram(text: ProgramText, options: CompileOptions): Promise<string> {
  const hash = createHash("sha256");
  const add = (...parts: string[]) => parts.forEach((part) => hash.update(part).update("\0"));
  if (text.wat !== undefined) {
    add("wat", await packageVersion("wabt"), text.wat);
  } else {
    add("c", await packageVersion("@yowasp/clang"), text.c!);
    add(...compilerFlags("", text.c!, options));
    for (const [path, header] of Object.entries(await readHeaders())) add(path, header);
  }
  if (isInstrumented(text, options)) add("binaryen", await packageVersion("binaryen"));
  return hash.digest("hex").slice(0, 16);
}

async function packageVersion(name: string): Promise<string> {
  const description = await readFile(join(root, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(description) as { version: string }).version;
}

async function readHeaders(): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const file of (await readdir(join(programs, "include"))).sort()) {
    headers[file] = await readFile(join(programs, "include", file), "utf8");
  }
  return headers;
}

// ---------------------------------------------------------------------------------------------------------------------

interface Compiler {
  readonly machine: Machine;
  readonly tools: LoadedProgram;
}

let compiler: Promise<Compiler> | undefined;
let compilations = 0;

/** One machine for all that is compiled in this process. It ends with the process. */
async function startCompiler(): Promise<Compiler> {
  const machine = await Machine.create({ files: await readToolFiles() });
  return { machine, tools: await loadTools(machine) };
}

async function compile(name: string, text: string, options: CompileOptions): Promise<Uint8Array> {
  compiler ??= startCompiler();
  const { machine, tools } = await compiler;
  const directory = `/project/${++compilations}`;
  const source = `${name.replaceAll("/", "_")}.c`;
  const run = async (tool: string, args: string[]) => {
    const result = await machine.run(tools, { name: tool, args, cwd: directory });
    if (!result.ok) {
      const words = `${result.stderr}${result.message ?? ""}`;
      throw new Error(`tests/programs/${name}.c does not compile:\n${words}`);
    }
  };
  await machine.fs.mkdir(`${directory}/include`, { recursive: true });
  try {
    await machine.fs.writeFile(`${directory}/${source}`, text);
    for (const [file, header] of Object.entries(await readHeaders()))
      await machine.fs.writeFile(`${directory}/include/${file}`, header);
    // The compiler cannot start the linker, as it does on other systems: a guest has no way to start programs of this kind.
    const flags = compilerFlags(name, text, options);
    const forLinker = flags.filter((flag) => flag.startsWith("-Wl,"));
    const libraries = flags.filter((flag) => flag.startsWith("-l"));
    const others = flags.filter((flag) => !/^-(Wl,|l|nostdlib$)/.test(flag));
    await run("clang", [...others, "-c", source, "-o", "program.o"]);
    const bare = flags.includes("-nostdlib");
    await run("wasm-ld", [
      ...(bare ? [] : [C_START]),
      "program.o",
      ...(bare ? [] : [C_LIBRARY_PATH, ...libraries, ...C_LIBRARIES]),
      ...forLinker.flatMap((flag) => flag.split(",").slice(1)),
      ...["-o", "out.wasm"],
    ]);
    return await machine.fs.readFile(`${directory}/out.wasm`);
  } finally {
    await machine.fs.rm(directory, { recursive: true });
  }
}

async function assemble(name: string, text: string): Promise<Uint8Array> {
  const { default: loadWabt } = await import("wabt");
  const wabt = await loadWabt();
  const features = { threads: true, exceptions: true, mutable_globals: true, bulk_memory: true };
  const module = wabt.parseWat(`${name}.wat`, text, features);
  try {
    module.resolveNames();
    // Its types leave out that it takes the features too.
    (module.validate as (features: object) => void).call(module, features);
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}

// ---------------------------------------------------------------------------------------------------------------------

/** Runs an action while no other process holds the lock. A lock whose owner has died is taken over. */
async function withLock(lock: string, action: () => Promise<void>): Promise<void> {
  while (!(await acquire(lock))) await delay(50);
  try {
    await action();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function acquire(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (await isAbandoned(lock)) await rm(lock, { recursive: true, force: true });
    return false;
  }
  await writeFile(join(lock, "owner"), String(process.pid));
  return true;
}

async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(join(lock, "owner"), "utf8"));
    if (owner > 0) {
      process.kill(owner, 0);
      return false;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return true;
    if (code !== "ENOENT") return false;
  }
  // The owner writes its name right after making the lock; long after, nobody will.
  const made = await stat(lock).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > 10_000;
}
