// Bundles what tsc built into the files that are shipped, and copies the types that go with them. Prints their sizes.
//
//   node tools/bundle.mjs
//
// The library in Node (`bundle/node-library.mjs`):
//
//   dist/node.js         its names, for modules; node.cjs has the code
//   dist/worker-node.cjs what starts a worker of it, dist/worker-main.cjs what that runs
//   dist/inspect.js      its entry for reading modules
//   dist/instrument.js   its entry that gives programs asyncify; the command uses it, too
//   dist/kernel.cjs      what library and worker need at their start, most of it the kernel
//   dist/*-[hash].cjs    parts that are loaded when they are asked for: host directories and other filesystems, the text of traces, what rewrites programs of many threads
//
// The command (`bundle/command.mjs`):
//
//   dist/cli.cjs         what starts it
//   dist/command-plain.cjs  what a run without options needs of it, dist/command*.cjs all else
//
// The library in browsers (`bundle/browser-library.mjs`):
//
//   dist/browser.js      the library, which is its own worker too: no bundler has to find a file
//   dist/browser-paths.js, dist/browser-parts.js  parts of it that are loaded by a page that needs any, the first also with the second
//   dist/worker-browser.js  the worker alone, for pages that forbid workers from blob: URLs
//
// For both (`bundle/types.mjs`):
//
//   dist/types/          the declarations that the entries reach

import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundleBrowserLibrary } from "./bundle/browser-library.mjs";
import { bundleCommand } from "./bundle/command.mjs";
import { bundleNodeLibrary } from "./bundle/node-library.mjs";
import { loadedAtStart, printSize } from "./bundle/sizes.mjs";
import { copyTypes } from "./bundle/types.mjs";

const dist = new URL("../dist/", import.meta.url);

async function writeTexts(texts) {
  for (const [name, text] of texts) {
    await writeFile(new URL(name, dist), text);
    printSize(name, [text]);
  }
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

const library = await bundleNodeLibrary();
await writeTexts(library);
const textOf = (name) => library.get(name);
const atStart = loadedAtStart(["node.js", "worker-node.cjs", "worker-main.cjs"], textOf);
printSize("library + worker", atStart.map(textOf));
printSize("… with all parts", [...library.values()]);

await writeTexts(await bundleCommand());
await chmod(new URL("cli.cjs", dist), 0o755);

await writeTexts(await bundleBrowserLibrary());

await copyTypes(fileURLToPath(new URL("types", dist)));
