// Bundles the library in browsers and its worker, which are mostly the same kernel.
//
// They are one function, `weft`. Called with its own text it gives the library, called without it serves as a worker. It names nothing outside itself, so that it still is
// a whole script after a page's bundler has rewritten it: the library starts a worker with the function's text. The parts that few pages need are other such functions, in files of
// their own: see `browser-parts.mjs`.

import { bundleBrowserParts, importUses, listUses } from "./browser-parts.mjs";
import { builtFile } from "./inputs.mjs";
import { takeLoadedParts } from "./late-modules.mjs";
import { minifyText } from "./minify.mjs";
import { bundleForPages } from "./page-bundle.mjs";
import { splitModules } from "./split-modules.mjs";
import { usedAtOnce } from "./used-at-once.mjs";

const ENTRIES = ["api/browser.js", "hosts/browser/worker-main.js"];
const [library, worker] = ENTRIES.map((entry) => JSON.stringify(builtFile(entry)));

/**
 * The module `weft:worker-source`, which loads parts and puts workers together. `weftKernel` is the list that the parts are called with, `weftParts` what they gave, `weftMakers`
 * the functions that were loaded so far. Files are loaded one after the other; where one cannot be, whoever asks the next time tries again.
 */
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

const modules = { "weft:worker-source": WORKER_SOURCE };

/** Bundles the library and its parts. */
async function bundleLibrary() {
  const used = await usedAtOnce(ENTRIES, "browser", [takeLoadedParts]);
  const plugins = [takeLoadedParts, splitModules(used)];
  const { texts: parts, uses } = await bundleBrowserParts(used, plugins);
  const { exports } = await bundleForPages(`export * from ${library};`, "esm", { modules });
  const names = exports.join(", ");
  const { code } = await bundleForPages(
    `import { ${names} } from ${library};
    import { serveWorker } from ${worker};
    ${importUses(uses)}
    weftKernel = ${listUses(uses)};
    for (const make of weftMakers) Object.assign(weftParts, make(weftKernel));
    if (weftSource === undefined) serveWorker(weftParts);
    else weftLibrary = { ${names} };`,
    "iife",
    { plugins, modules },
  );
  const files = [...parts.keys()].map((file) => `()=>import("./${file}")`);
  const text = `const weft=function(weftSource,weftFiles,weftMakers=[]){let weftKernel,weftParts={},weftLibrary;${code}return weftLibrary};export const{${names}}=weft(String(weft),[${files}]);\n`;
  return new Map([["browser.js", text], ...parts]);
}

/** Bundles the worker alone, with all its parts. */
async function bundleWorker() {
  const { code } = await bundleForPages(
    `import { serveWorker } from ${worker};
    import * as paths from ${JSON.stringify(builtFile("hosts/browser/path-parts.js"))};
    import * as parts from ${JSON.stringify(builtFile("hosts/browser/worker-parts.js"))};
    serveWorker({ ...paths, ...parts });`,
    "iife",
  );
  return code;
}

/** Bundles the library for browsers; resolves to the texts by file name. */
export async function bundleBrowserLibrary() {
  const texts = await bundleLibrary();
  texts.set("worker-browser.js", await bundleWorker());
  for (const [name, text] of texts) texts.set(name, await minifyText(name, text));
  return texts;
}
