// Bundles what tsc built into the files that are shipped, and copies the types that go with them.
//
//   node tools/bundle.mjs
//
//   dist/node.js         the library in Node
//   dist/worker-node.js  what a worker of it runs
//   dist/shared-*.js     what these two have in common: the kernel
//   dist/cli.cjs         what the command starts: a CommonJS module, which Node starts quicker than any other
//   dist/command.cjs     the command
//   dist/browser.js      the library in browsers, which is its own worker too: no bundler has to find a file
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
import ts from "typescript";
import { minify } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = join(root, "build/src");
const dist = join(root, "dist");

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2023",
  legalComments: "none",
  // Node prints the line of an error that nobody catches.
  lineLimit: 160,
  logLevel: "warning",
  write: false,
};

/** Beside the bundle, the worker has another name than among the built files. */
const nodeWorkerFile = {
  name: "node-worker-file",
  setup(builder) {
    builder.onLoad({ filter: /[\\/]hosts[\\/]node[\\/][^\\/]+\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: text.replaceAll("./worker-main.js", "./worker-node.js"), loader: "js" };
    });
  },
};

/** `import source from "weft:worker-source"` gives the script of the browser's worker: the function that `bundleBrowser` writes, called with nothing. */
const workerSource = {
  name: "worker-source",
  setup(builder) {
    builder.onResolve({ filter: /^weft:worker-source$/ }, ({ path }) => ({
      path,
      namespace: "weft",
    }));
    builder.onLoad({ filter: /.*/, namespace: "weft" }, () => ({
      contents: "export default `(${weftSource})()`;",
    }));
  },
};

async function bundleText(entry, options) {
  const result = await build({ ...common, ...options, entryPoints: [entry] });
  return result.outputFiles[0].text;
}

/**
 * Bundles the browser's library and its worker, which are mostly the same kernel, as one function: called with its own text it gives the library, called
 * with nothing it serves as a worker. It names nothing outside itself, so that it still is a whole script after a page's bundler has rewritten it.
 */
async function bundleBrowser() {
  const { metafile } = await build({
    ...common,
    platform: "browser",
    plugins: [workerSource],
    entryPoints: [join(built, "api/browser.js")],
    metafile: true,
  });
  const names = Object.values(metafile.outputs)[0].exports.join(", ");
  const body = await bundleBrowserText(`
    import { ${names} } from "./api/browser.js";
    import { serveWorker } from "./hosts/browser/worker-main.js";
    if (weftSource === undefined) serveWorker();
    else weftLibrary = { ${names} };`);
  return `const weft=function(weftSource){let weftLibrary;${body}return weftLibrary};export const{${names}}=weft(String(weft));\n`;
}

async function bundleBrowserText(contents) {
  const { outputFiles } = await build({
    ...common,
    // No page's bundler that aims at ES2020 or later has to put helpers beside the function.
    target: "es2020",
    format: "iife",
    platform: "browser",
    plugins: [workerSource],
    stdin: { contents, resolveDir: built },
  });
  return outputFiles[0].text;
}

/** The entries of Node share their code in chunks: a worker and the library are mostly the same kernel. */
const nodeEntries = {
  node: "api/node.js",
  "worker-node": "hosts/node/worker-main.js",
};

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
    ["api/node.d.ts", "api/browser.d.ts"].map((entry) => join(built, entry)),
  )) {
    const target = join(dist, "types", relative(built, file));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
}

/** Minifies once more what pages load: Vite's minifier finds two per cent that esbuild leaves. */
async function shrink(text) {
  const { code, errors } = await minify("browser.js", text, { module: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return code;
}

/** Bundles the entries of Node; resolves to their sizes by file name. */
async function bundleNode() {
  const { outputFiles } = await build({
    ...common,
    platform: "node",
    external: ["node:*"],
    plugins: [nodeWorkerFile],
    splitting: true,
    outdir: dist,
    entryNames: "[name]",
    chunkNames: "shared-[hash]",
    entryPoints: Object.entries(nodeEntries).map(([out, from]) => ({ in: join(built, from), out })),
  });
  const sizes = {};
  for (const { path, text } of outputFiles) {
    const name = relative(dist, path);
    sizes[name] = await write(name, text);
  }
  return sizes;
}

/**
 * Bundles the command and what loads it. The command needs an address of its own to find the worker by, which CommonJS modules have under another
 * name; it is loaded as a script, which cannot import.
 */
async function bundleCommand() {
  const options = { platform: "node", format: "cjs", plugins: [nodeWorkerFile] };
  const command = await bundleText(join(built, "cli/main.js"), {
    ...options,
    define: { "import.meta.url": "moduleUrl" },
    supported: { "dynamic-import": false },
    banner: { js: 'const moduleUrl=require("node:url").pathToFileURL(__filename).href;' },
  });
  await write("command.cjs", command);
  const launcher = await bundleText(join(built, "cli/launch.js"), {
    ...options,
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
  console.log(`${name.padEnd(20)}${kilobytes(raw)}${kilobytes(gzipped)} gzipped`);
}

/** The files that an entry loads: itself and the chunks it imports, directly or not. */
function loadedBy(name, loaded = new Set()) {
  if (loaded.has(name)) return loaded;
  loaded.add(name);
  const text = readFileSync(join(dist, name), "utf8");
  for (const [, chunk] of text.matchAll(/["']\.\/(shared-[\w-]+\.js)["']/g))
    loadedBy(chunk, loaded);
  return loaded;
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const sizes = await bundleNode();
const library = [...new Set([...loadedBy("node.js"), ...loadedBy("worker-node.js")])];
const sum = (key) => library.reduce((total, name) => total + sizes[name][key], 0);
printSize("node + worker", { raw: sum("raw"), gzipped: sum("gzipped") });
await bundleCommand();
await write("browser.js", await shrink(await bundleBrowser()));
const workerAlone = 'import { serveWorker } from "./hosts/browser/worker-main.js"; serveWorker();';
await write("worker-browser.js", await shrink(await bundleBrowserText(workerAlone)));
await copyTypes();
