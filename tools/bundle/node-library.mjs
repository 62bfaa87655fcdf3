// Bundles the library in Node and its workers, which are mostly the same kernel and share its file.

import { rolldown } from "rolldown";
import { builtFile, rewriteSources } from "./inputs.mjs";
import { requireLateParts, requirePathServices } from "./late-modules.mjs";
import { breakLines, minifyText } from "./minify.mjs";
import { importAsGiven, inAscii, nameNeighbours } from "./node-text.mjs";
import { numberExports } from "./numbered-exports.mjs";
import { splitModules } from "./split-modules.mjs";
import { usedAtOnce } from "./used-at-once.mjs";

/** What library and workers need at their start. `hosts/node/worker-code.ts` knows its name. */
const KERNEL = "kernel.cjs";

/** What every program needs: a program starts with the library, and each worker with its own entry. */
const STARTS = ["api/node.js", "hosts/node/worker-main.js"];

const ENTRIES = {
  node: "api/node.js",
  "worker-main": "hosts/node/worker-main.js",
  inspect: "api/inspection.js",
  instrument: "api/instrument.js",
  "late-part": "threads/late-part.js",
  "path-calls": "syscalls/path-table.js",
};

/** The entries that users import, as modules. Others are what starts a worker, and parts that the kernel's file loads by their names. */
const FOR_USERS = ["node", "inspect", "instrument"];

const LATE_MODULES = [requireLateParts("late-part.cjs"), requirePathServices("path-calls.cjs")];

/** The entries and what they share, as CommonJS modules: a worker starts quicker with them. */
async function bundleEntries() {
  const used = await usedAtOnce(STARTS, "node", LATE_MODULES);
  // One file: the more files there are, the longer workers take to start. Of the layouts some constants are used whole.
  const inKernel = new Set([...used.keys(), builtFile("abi/layouts.js")]);
  for (const entry of STARTS) inKernel.delete(builtFile(entry));
  const bundle = await rolldown({
    input: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, entry]) => [name, builtFile(entry)]),
    ),
    platform: "node",
    external: /^(node:|binaryen$)/,
    plugins: [...LATE_MODULES, importAsGiven, splitModules(used), rewriteSources],
    // Entries may export more for the parts; so far none has to.
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await bundle.generate({
    format: "cjs",
    // Not before the exports of the kernel have their numbers.
    minify: false,
    minifyInternalExports: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: ({ name }) => (name === "kernel" ? KERNEL : "[name]-[hash].cjs"),
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: "kernel", test: (id) => inKernel.has(id) }],
    },
  });
  return output;
}

/** What starts a worker. */
async function bundleLauncher() {
  const bundle = await rolldown({
    input: builtFile("hosts/node/worker-launch.js"),
    platform: "node",
    plugins: [importAsGiven, rewriteSources],
  });
  const { output } = await bundle.generate({ format: "cjs", minify: true });
  return output[0].code;
}

/** Bundles the library and its workers for Node; resolves to the texts by file name. */
export async function bundleNodeLibrary() {
  const output = await bundleEntries();
  const modules = new Map(output.map(({ fileName, code }) => [fileName, code]));
  numberExports(modules, KERNEL);
  const texts = new Map();
  for (const [name, text] of modules)
    texts.set(name, inAscii(breakLines(await minifyText(name, nameNeighbours(text)))));
  for (const { name, exports } of output)
    if (FOR_USERS.includes(name))
      texts.set(`${name}.js`, `import weft from"./${name}.cjs";export const{${exports}}=weft;\n`);
  texts.set("worker-node.cjs", await bundleLauncher());
  return texts;
}
