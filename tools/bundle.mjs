// Bundles what tsc built into the files that are shipped, and copies the types that go with them.
//
//   node tools/bundle.mjs
//
//   dist/node.js         the library in Node
//   dist/worker-node.js  what a worker of it runs: one file, so that a worker starts with one read
//   dist/cli.js          the command
//   dist/browser.js      the library in browsers, with the text of its worker inside: no bundler has to find a file
//   dist/worker-browser.js  that worker as a file, for pages that forbid workers from blob: URLs
//   dist/types/          the declarations that the entries reach
//
// An entry that has not been built is left out. The sizes are printed at the end.

import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import ts from "typescript";

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

/** `import source from "weft:worker-source"` gives the text of the browser's worker as one bundled module. */
const workerSource = {
  name: "worker-source",
  setup(builder) {
    builder.onResolve({ filter: /^weft:worker-source$/ }, ({ path }) => ({
      path,
      namespace: "weft",
    }));
    builder.onLoad({ filter: /.*/, namespace: "weft" }, async () => ({
      contents: await bundleText(join(built, "hosts/browser/worker-main.js"), {
        platform: "browser",
      }),
      loader: "text",
    }));
  },
};

async function bundleText(entry, options) {
  const result = await build({ ...common, ...options, entryPoints: [entry] });
  return result.outputFiles[0].text;
}

const node = { platform: "node", external: ["node:*"], plugins: [nodeWorkerFile] };
const browser = { platform: "browser", plugins: [workerSource] };
const entries = [
  { from: "api/node.js", to: "node.js", options: node },
  { from: "hosts/node/worker-main.js", to: "worker-node.js", options: node },
  { from: "cli/main.js", to: "cli.js", options: node, executable: true },
  { from: "api/browser.js", to: "browser.js", options: browser },
  { from: "hosts/browser/worker-main.js", to: "worker-browser.js", options: browser },
];

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

async function bundleEntry({ from, to, options, executable }) {
  const entry = join(built, from);
  if (!existsSync(entry)) {
    console.log(`${to.padEnd(16)} left out: ${relative(root, entry)} is not built`);
    return undefined;
  }
  let text = await bundleText(entry, options);
  const target = join(dist, to);
  if (executable && !text.startsWith("#!")) text = "#!/usr/bin/env node\n" + text;
  await writeFile(target, text);
  if (executable) await chmod(target, 0o755);
  const size = { raw: Buffer.byteLength(text), gzipped: gzipSync(text, { level: 9 }).length };
  printSize(to, size);
  return size;
}

const kilobytes = (bytes) => (bytes / 1000).toFixed(1).padStart(7) + " kB";

function printSize(name, { raw, gzipped }) {
  console.log(`${name.padEnd(16)}${kilobytes(raw)}${kilobytes(gzipped)} gzipped`);
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const sizes = [];
for (const entry of entries) sizes.push(await bundleEntry(entry));
const [library, worker] = sizes;
if (library && worker) {
  printSize("node + worker", {
    raw: library.raw + worker.raw,
    gzipped: library.gzipped + worker.gzipped,
  });
}
await copyTypes();
