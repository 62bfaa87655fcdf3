// Bundles what tsc built into the files that are shipped, and copies the types that go with them.
//
//   node tools/bundle.mjs
//
//   dist/node.js         the library in Node: the names of node.cjs, for a worker starts quicker with CommonJS modules, and both share their code
//   dist/worker-node.cjs what starts a worker of it, dist/worker-main.cjs what that runs
//   dist/inspect.js      the library's entry for reading modules, in Node
//   dist/instrument.cjs  what gives programs asyncify, for the library's entry of that name and for the command
//   dist/kernel.cjs      what library and worker need at their start, most of it the kernel; other files with a hash in their names are parts that are
//                        loaded when they are asked for: host directories and other filesystems, the text of traces, what rewrites programs of many threads
//   dist/cli.cjs         what the command starts: a CommonJS module, which Node starts quicker than any other
//   dist/command-plain.cjs  what a run without options needs of the command, dist/command.cjs and the others of that name all else: scripts
//   dist/browser.js      the library in browsers, which is its own worker too: no bundler has to find a file
//   dist/browser-paths.js, dist/browser-parts.js  parts of it that are loaded by a page that needs any, the first also with the second
//   dist/worker-browser.js  the worker alone, for pages that forbid workers from blob: URLs
//   dist/types/          the declarations that the entries reach
//
// The sizes are printed at the end.

import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { rolldown } from "rolldown";
import ts from "typescript";
import { minify } from "vite";
import { inlineConstants } from "./inline-constants.mjs";
import { keptNames, splitModules } from "./split-modules.mjs";
import { shortenProperties } from "./shorten-properties.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = join(root, "build/src");
const dist = join(root, "dist");

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2023",
  legalComments: "none",
  logLevel: "warning",
  write: false,
};

/** Numbers of the ABI and of the kernel as numbers, not as properties looked up by name; and short names for our own properties. */
const constants = await inlineConstants(built, shortenProperties(join(root, "src")));

/**
 * What the browser's bundles import besides files: their entry, a text, and `weft:worker-source`. The names that begin with `weft` are those of the function
 * that `bundleBrowser` writes.
 */
const virtualFiles = (entry) => ({
  name: "virtual-files",
  resolveId: (name) => (name.startsWith("weft:") ? name : undefined),
  load: (name) => ({ "weft:entry": entry, "weft:worker-source": WORKER_SOURCE })[name],
});

/** Has the browser's library take what agents are given before they come to need it from the parts that were loaded. */
const takeLateParts = {
  name: "take-late-parts",
  load: (id) =>
    ({
      [join(built, "threads/late-parts.js")]: "export const loadLateParts = () => weftParts;",
      [join(built, "syscalls/path-services.js")]:
        "export const loadPathServices = () => weftParts.pathServices;",
    })[id],
};

/** Files are loaded one after the other; where one cannot be, whoever asks the next time tries again. */
const WORKER_SOURCE = `
  let last;
  async function load(before, count) {
    await before?.catch(() => {});
    while (weftMakers.length < count) {
      const { default: make } = await weftFiles[weftMakers.length]();
      Object.assign(weftParts, make(weftKernel));
      weftMakers.push(make);
    }
    return weftParts;
  }
  export const loadParts = (count) => (last = load(last, count));
  export const workerSource = (count) =>
    \`(\${weftSource})(undefined,undefined,[\${weftMakers.slice(0, count)}])\`;`;

async function bundleText(entry, options) {
  const result = await build({ ...common, ...options, entryPoints: [entry] });
  return result.outputFiles[0].text;
}

/**
 * Bundles the browser's library and its worker, which are mostly the same kernel, as one function: called with its own text it gives the library, called
 * without it serves as a worker. It names nothing outside itself, so that it still is a whole script after a page's bundler has rewritten it.
 *
 * The parts that few pages need are other such functions, in files of their own: called with a list of what they use of the kernel, they give parts, and add to the
 * list what later ones use of them.
 */
async function bundleBrowser() {
  const library = JSON.stringify(join(built, "api/browser.js"));
  const { exports } = await bundleForPages(`export * from ${library};`, "esm");
  const names = exports.join(", ");
  const atOnce = await usedAtOnce(["api/browser.js", "hosts/browser/worker-main.js"], "browser");
  const plugins = [takeLateParts, splitModules(atOnce)];
  const parts = await bundleParts(atOnce, plugins);
  const { code } = await bundleForPages(
    `import { ${names} } from ${library};
    import { serveWorker } from ${worker};
    ${parts.imports}
    weftKernel = [${parts.uses}];
    for (const make of weftMakers) Object.assign(weftParts, make(weftKernel));
    if (weftSource === undefined) serveWorker(weftParts);
    else weftLibrary = { ${names} };`,
    "iife",
    { plugins },
  );
  const files = Object.keys(parts.files).map((file) => `()=>import("./${file}")`);
  return {
    "browser.js": `const weft=function(weftSource,weftFiles,weftMakers=[]){let weftKernel,weftParts={},weftLibrary;${code}return weftLibrary};export const{${names}}=weft(String(weft),[${files}]);\n`,
    ...parts.files,
  };
}

const worker = JSON.stringify(join(built, "hosts/browser/worker-main.js"));

/** What stands for the files of the library, and of earlier parts, where a part imports them. */
const OTHERS = "weft-others:";

/** The browser's parts: the files that are loaded one after the other, and what each has. */
const partsOfBrowser = {
  "browser-paths.js": "api/browser-paths.js",
  "browser-parts.js": "api/browser-parts.js",
};

/**
 * Bundles the browser's parts. What is imported has a number each, its place in a list: the names would be a tenth of a whole file. First comes what the library has,
 * then what the first part has.
 *
 * @returns their code by file, what they use of the kernel, and the text that imports that
 */
async function bundleParts(atOnce, plugins) {
  const [[firstFile, firstEntry], [lastFile, lastEntry]] = Object.entries(partsOfBrowser);
  const first = await bundlePart(firstEntry, [atOnce], plugins);
  // A module of which the first part uses some is in that file with all that the last one uses.
  const shared = new Set(Object.keys(first.modules).filter((id) => first.modules[id].code));
  const last = await bundlePart(lastEntry, [atOnce, shared], plugins);
  const offered = last.uses.filter(({ from }) => shared.has(from));
  const whole = await bundlePart(firstEntry, [atOnce], plugins, offered);
  const kernel = [...whole.uses, ...last.uses.filter((use) => !offered.includes(use))];
  const numbers = new Map();
  for (const { key } of [...kernel, ...offered])
    if (!numbers.has(key)) numbers.set(key, numbers.size);
  const ofKernel = [...new Map(kernel.map((use) => [use.key, use])).values()];
  return {
    files: {
      [firstFile]: codeOfPart(whole, numbers, offered),
      [lastFile]: codeOfPart(last, numbers, []),
    },
    imports: ofKernel.map((use, number) => importOf(use, number)).join("\n"),
    uses: ofKernel.map((_, number) => `weft${number}`).join(", "),
  };
}

const importOf = ({ used, from }, number) =>
  `import { ${used} as weft${number} } from ${JSON.stringify(from)};`;

/** Bundles a part; resolves to its modules, its statements, and what it uses of others: which name from which module. */
async function bundlePart(entry, others, plugins, offered = []) {
  const leaveOthers = {
    name: "leave-others",
    resolveId(name, importer) {
      if (!importer || !name.startsWith(".")) return undefined;
      const file = join(dirname(importer), name);
      return others.some((modules) => modules.has(file))
        ? { id: OTHERS + relative(built, file), external: true }
        : undefined;
    },
  };
  const { code, modules } = await bundleForPages(
    `export * from ${JSON.stringify(join(built, entry))};
    ${offered.map(importOf).join("\n")}
    export const weftOffered = [${offered.map((_, number) => `weft${number}`)}];`,
    "esm",
    { plugins: [leaveOthers, ...plugins], minify: false },
  );
  const file = ts.createSourceFile("part.js", code, ts.ScriptTarget.Latest);
  const uses = [];
  const statements = file.statements.map((statement) => {
    const text = code.slice(statement.pos, statement.end);
    if (!ts.isImportDeclaration(statement)) return { text, statement };
    const from = join(built, statement.moduleSpecifier.text.slice(OTHERS.length));
    const locals = (statement.importClause?.namedBindings.elements ?? []).map(
      ({ name, propertyName }) => {
        const used = (propertyName ?? name).text;
        const key = `${used} of ${from}`;
        uses.push({ used, from, key });
        return { key, name: name.text };
      },
    );
    return { locals };
  });
  return { modules, statements, uses };
}

/** The code of a part as a function of the list of what it uses. */
function codeOfPart({ statements }, numbers, offered) {
  const body = statements.map(({ text, statement, locals }) => {
    if (locals)
      return `const{${locals.map(({ key, name }) => `${numbers.get(key)}:${name}`)}}=weftKernel;`;
    if (!ts.isExportDeclaration(statement)) return text;
    const members = statement.exportClause.elements
      .map(({ name, propertyName }) => `${name.text}:${(propertyName ?? name).text}`)
      .filter((member) => !member.startsWith("weftOffered:"));
    return `${offered.length > 0 ? "weftKernel.push(...weftOffered);" : ""}return{${members}};`;
  });
  return `export default function(weftKernel){${body.join("\n")}}`;
}

/** Bundles the text of an entry for pages. */
async function bundleForPages(entry, format, { plugins = [], minify = true } = {}) {
  const bundle = await rolldown({
    input: "weft:entry",
    platform: "browser",
    // No page's bundler that aims at ES2020 or later has to put helpers beside the function.
    transform: { target: "es2020" },
    plugins: [...plugins, virtualFiles(entry), constants.rolldown],
  });
  const { output } = await bundle.generate({ format, minify });
  return output[0];
}

/** Has Node load what `threads/late-parts.ts` names from a file of its own when it is asked for: it can do that in the middle of a call. */
const loadLateParts = (file) => ({
  name: "load-late-parts",
  load: (id) =>
    id === join(built, "threads/late-parts.js")
      ? `export const loadLateParts = () => weftRequire("./${file}").lateParts;`
      : undefined,
});

/** The same for the calls of `syscalls/path-services.ts`. The command has them at once. */
const loadPathCalls = {
  name: "load-path-calls",
  load: (id) =>
    id === join(built, "syscalls/path-services.js")
      ? 'export const loadPathServices = () => weftRequire("./path-calls.cjs").pathServices;'
      : undefined,
};

/** Gives bundled files of Node the names of what is beside them. */
const nameNeighbours = (text) =>
  text
    // Beside the bundle, the worker has another name than among the built files.
    .replaceAll("./worker-entry.js", "./worker-node.cjs")
    .replaceAll("weftRequire", "require")
    // Nobody asks whether they are modules.
    .replace(/^Object\.defineProperty\(exports, Symbol\.toStringTag, .*\n/m, "");

/** Takes out what tsc puts around the addresses that are imported: those that the host program gives name no source. */
const importAsGiven = {
  name: "import-as-given",
  transform: (code) =>
    code
      .replace(/^var __rewriteRelativeImportExtension = [^]*?^\};\n/m, "")
      .replaceAll("__rewriteRelativeImportExtension(", "("),
};

/** The entries of Node share their code: a worker and the library are mostly the same kernel. */
const nodeEntries = {
  node: "api/node.js",
  "worker-main": "hosts/node/worker-main.js",
  inspect: "api/inspection.js",
  instrument: "api/instrument.js",
  "late-part": "threads/late-part.js",
  "path-calls": "syscalls/path-table.js",
};

/** Those that are not for modules: what starts a worker, and parts that the kernel's file loads by their names. */
const unnamed = new Set(["worker-main.cjs", "late-part.cjs", "path-calls.cjs"]);

/** The declaration files that some entries reach through relative imports, the entries included. */
function reachableTypes(files) {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    const { importedFiles, referencedFiles } = ts.preProcessFile(readFileSync(file, "utf8"));
    for (const { fileName } of [...importedFiles, ...referencedFiles]) {
      if (!fileName.startsWith(".")) continue;
      visit(join(dirname(file), fileName.replace(/\.(js|ts)$/, ".d.ts")));
    }
  };
  files.forEach(visit);
  return [...reached];
}

async function copyTypes() {
  for (const file of reachableTypes(
    ["api/node.d.ts", "api/browser.d.ts", "api/inspection.d.ts", "api/instrument.d.ts"].map(
      (entry) => join(built, entry),
    ),
  )) {
    const target = join(dist, "types", relative(built, file));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
}

/** Minifies once more: Vite's minifier finds two per cent that esbuild leaves. */
async function shrink(text, name) {
  const { code, errors } = await minify(name, text, { module: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return code;
}

/**
 * Has a file that others share export an array: they name what they use of it by its number, as in the browser. Names, and asking for a value each time, would take a
 * twentieth of the file, and none of ours needs that: no export is assigned to twice.
 *
 * @returns what tells the number of an export
 */
function exportByNumber(texts, shared) {
  const names = [];
  const locals = [];
  const note = (_, name, local) => {
    names.push(name);
    locals.push(local);
    return "";
  };
  const rest = texts
    .get(shared)
    .replace(
      /^Object\.defineProperty\(exports, "([\w$]+)", \{\s*enumerable: true,\s*get: function ?\(\) \{\s*return ([\w$]+);\s*\}\s*\}\);$/gm,
      note,
    )
    .replace(/^exports\.([\w$]+) = ([\w$]+);$/gm, note);
  const numberOf = (name) => {
    const number = names.indexOf(name);
    if (number < 0) throw new Error(`${shared} exports no ${name}`);
    return number;
  };
  texts.set(shared, `${rest}\nmodule.exports = [${locals}];\n`);
  for (const [file, text] of texts) {
    const [, imported] =
      text.match(new RegExp(`const (\\w+) = require\\("\\./${shared}"\\);`)) ?? [];
    if (imported === undefined) continue;
    const used = new RegExp(`\\b${imported.replaceAll("$", "\\$")}\\.([\\w$]+)`, "g");
    texts.set(
      file,
      text.replace(used, (_, name) => `${imported}[${numberOf(name)}]`),
    );
  }
  return numberOf;
}

/** Begins a line with each statement: Node prints the line of an error that nobody catches. */
function breakLines(text) {
  const { statements } = ts.createSourceFile("bundle.js", text, ts.ScriptTarget.Latest);
  return statements.map(({ pos, end }) => text.slice(pos, end)).join("\n");
}

/** Bundles the entries of Node; resolves to the files by name, each with its sizes and the files that it imports at once. */
async function bundleNode() {
  // Its name stands in `hosts/node/worker-code.ts`.
  const kernel = "kernel.cjs";
  const bundle = await rolldown({
    input: Object.fromEntries(
      Object.entries(nodeEntries).map(([name, from]) => [name, join(built, from)]),
    ),
    platform: "node",
    external: /^(node:|binaryen$)/,
    plugins: [
      loadLateParts("late-part.cjs"),
      loadPathCalls,
      importAsGiven,
      splitModules(atStart),
      constants.rolldown,
    ],
    // Entries may export more for the parts; so far none has to.
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await bundle.generate({
    format: "cjs",
    // Minified below, once the exports of the kernel have their numbers.
    minify: false,
    minifyInternalExports: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: ({ name }) => (name === "kernel" ? kernel : "[name]-[hash].cjs"),
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: "kernel", test: (id) => inKernel.has(id) }],
    },
  });
  const texts = new Map(output.map(({ fileName, code }) => [fileName, code]));
  exportByNumber(texts, kernel);
  const files = new Map();
  for (const { fileName, imports, exports, isEntry } of output) {
    const text = breakLines(await shrink(nameNeighbours(texts.get(fileName)), fileName));
    files.set(fileName, { ...(await write(fileName, text)), imports });
    if (!isEntry || exports.length === 0 || unnamed.has(fileName)) continue;
    const entry = fileName.replace(/cjs$/, "js");
    const again = `import weft from"./${fileName}";export const{${exports}}=weft;\n`;
    files.set(entry, { ...(await write(entry, again)), imports: [fileName] });
  }
  const launcher = await rolldown({
    input: join(built, "hosts/node/worker-launch.js"),
    platform: "node",
    plugins: [importAsGiven, constants.rolldown],
  });
  const [{ code }] = (await launcher.generate({ format: "cjs", minify: true })).output;
  const imports = ["worker-main.cjs"];
  files.set("worker-node.cjs", { ...(await write("worker-node.cjs", code)), imports });
  return files;
}

/** Leaves out what a file imports when it is asked for. */
const leaveParts = {
  name: "leave-parts",
  transform: (code) => code.replace(/\bimport\((?=")/g, "globalThis.neverCalled("),
};

/** The names that entries use at once of each module, by its path; themselves included. */
async function usedAtOnce(entries, platform, late = []) {
  const bundle = await rolldown({
    input: entries.map((entry) => join(built, entry)),
    platform,
    external: /^node:/,
    plugins: [
      ...(platform === "node" ? [loadLateParts("late-part.cjs"), ...late] : [takeLateParts]),
      leaveParts,
      virtualFiles(""),
      constants.rolldown,
    ],
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm" });
  const used = new Map();
  for (const { modules } of output)
    for (const [path, { code }] of Object.entries(modules))
      if (code && path.startsWith(built)) used.set(path, keptNames(code));
  return used;
}

const startOfNode = ["api/node.js", "hosts/node/worker-main.js"];
const atStart = await usedAtOnce(startOfNode, "node", [loadPathCalls]);

/** What the library and its workers load at their start, in one file: the more files there are, the longer workers take to start. Of the tables some constants are used whole. */
const inKernel = new Set([...atStart.keys(), join(built, "abi/layouts.js")]);
for (const entry of startOfNode) inKernel.delete(join(built, entry));

/** Instrumenting and the whole library are files of their own, which the command loads where it needs them. */
const leaveLibrary = {
  name: "leave-library",
  resolveId: (name) => {
    const [, entry] = /^\.\.\/api\/(instrument|node)\.js$/.exec(name) ?? [];
    return entry && { id: `./${entry}.cjs`, external: true };
  },
};

/** The pieces of the command: what a plain run needs, all else, and what is loaded in the middle of a call. */
const commandEntries = {
  "command-plain": "cli/plain.js",
  command: "cli/main.js",
  "command-late": "threads/late-part.js",
};

/** Text in strings as ASCII: the command reads its pieces as bytes, one a character, which is quickest. */
const inAscii = (code) =>
  code.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Bundles the command, in pieces that are scripts, and what loads them. */
async function bundleCommand() {
  const ofPlain = await usedAtOnce(["cli/plain.js"], "node");
  const entries = Object.values(commandEntries).map((entry) => join(built, entry));
  const bundle = await rolldown({
    input: Object.fromEntries(Object.keys(commandEntries).map((name, at) => [name, entries[at]])),
    platform: "node",
    external: /^node:/,
    plugins: [
      leaveLibrary,
      loadLateParts("command-late.cjs"),
      splitModules(ofPlain),
      constants.rolldown,
    ],
    preserveEntrySignatures: "allow-extension",
    // Some of what is imported late by one module is imported at once by others.
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.generate({
    format: "cjs",
    minify: false,
    minifyInternalExports: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: "command-[name]-[hash].cjs",
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: "plain", test: (id) => ofPlain.has(id) },
        // Without the entries: the command begins when its own is loaded.
        { name: "rest", test: (id) => id.startsWith(built) && !entries.includes(id) },
      ],
    },
  });
  const texts = new Map(output.map(({ fileName, code }) => [fileName, code]));
  const core = output.find(({ modules }) => join(built, "cli/plain.js") in modules).fileName;
  const numberOf = exportByNumber(texts, core);
  for (const [name, text] of texts) {
    // A script cannot import.
    const required = nameNeighbours(text).replace(
      /\bimport\(("(?:\.\/\w+\.cjs|node:[\w/]+)")\)/g,
      "Promise.resolve().then(() => require($1))",
    );
    const code = await shrink(required, name);
    await write(name, `(function(exports,require,module,__filename){${inAscii(code)}\n})`);
  }
  const launcher = await bundleText(join(built, "cli/launch.js"), {
    platform: "node",
    format: "cjs",
    define: { CORE_FILE: JSON.stringify(`./${core}`), RUN_PLAIN: String(numberOf("runPlain")) },
    banner: { js: "#!/usr/bin/env node" },
  });
  await write("cli.cjs", launcher);
  await chmod(join(dist, "cli.cjs"), 0o755);
}

async function write(name, text) {
  await writeFile(join(dist, name), text);
  const size = { raw: Buffer.byteLength(text), gzipped: gzipSync(text, { level: 9 }).length };
  printSize(name, size);
  return size;
}

const kilobytes = (bytes) => (bytes / 1000).toFixed(1).padStart(7) + " kB";

function printSize(name, { raw, gzipped }) {
  console.log(`${name.padEnd(28)}${kilobytes(raw)}${kilobytes(gzipped)} gzipped`);
}

/** The files that an entry loads at its start: itself and what it imports, directly or not. */
function loadedBy(files, name, loaded = new Set()) {
  if (loaded.has(name) || !files.has(name)) return loaded;
  loaded.add(name);
  for (const imported of files.get(name).imports) loadedBy(files, imported, loaded);
  return loaded;
}

/** Prints what files come to together. */
function printSum(title, files, names) {
  const sum = (key) => [...names].reduce((total, name) => total + files.get(name)[key], 0);
  printSize(title, { raw: sum("raw"), gzipped: sum("gzipped") });
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const files = await bundleNode();
const atOnce = loadedBy(files, "worker-node.cjs", loadedBy(files, "node.js"));
printSum("library + worker", files, atOnce);
printSum("… with all parts", files, [...files.keys()]);
await bundleCommand();
for (const [name, text] of Object.entries(await bundleBrowser()))
  await write(name, await shrink(text, name));
const { code: workerAlone } = await bundleForPages(
  `import { serveWorker } from ${worker};
  import * as paths from ${JSON.stringify(join(built, "hosts/browser/path-parts.js"))};
  import * as parts from ${JSON.stringify(join(built, "hosts/browser/worker-parts.js"))};
  serveWorker({ ...paths, ...parts });`,
  "iife",
);
await write("worker-browser.js", await shrink(workerAlone, "worker.js"));
await copyTypes();
