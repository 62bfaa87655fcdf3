// What has to be downloaded to run a program: the library and its worker, minified, gzipped.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzippedSize, loadedAtStart } from "../tools/bundle/sizes.mjs";
import * as rival from "./runners/rival.mjs";

const dist = new URL("../dist/", import.meta.url);

/** A finished run that printed these figures. */
const figures = (values) => ({
  code: 0,
  stdout: Object.entries(values)
    .map(([name, value]) => `${name} ${value} bytes\n`)
    .join(""),
  stderr: "",
});

/** The files as `npm run build` left them; they are minified already. */
function measureWeft() {
  const read = (name) => readFileSync(new URL(name, dist));
  const size = (...entries) =>
    loadedAtStart(entries, (name) => read(name).toString()).reduce(
      (sum, name) => sum + gzippedSize(read(name)),
      0,
    );
  const node = ["node.js", "worker-node.cjs", "worker-main.cjs"];
  return figures({
    size_node: size(...node),
    size_node_files: size(...node, "path-calls.cjs"),
    ...(existsSync(new URL("browser.js", dist)) && {
      size_browser: size("browser.js"),
      size_browser_files: size("browser.js", "browser-paths.js"),
    }),
  });
}

/** The SDK's entries bundled and minified as ours are, and its WebAssembly module. */
async function measureRival() {
  const { rolldown } = await import("rolldown");
  const main = new URL(import.meta.resolve("@wasmer/sdk/node"));
  const near = (path) => fileURLToPath(new URL(path, main));
  const module = gzippedSize(readFileSync(near("../pkg/wasmer_sdk_js_bg.wasm")));
  const size = async (platform, entries) => {
    const bundle = await rolldown({ input: entries.map(near), platform, logLevel: "silent" });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    return output.reduce((sum, { code }) => sum + gzippedSize(code), module);
  };
  return figures({
    size_node: await size("node", ["node.js", "node-worker.js"]),
    size_browser: await size("browser", ["index.js", "browser-worker.js"]),
  });
}

/** The sides of the experiment: they run nothing, so they need one round. */
export function measureSizes() {
  const built = ["node.js", "worker-node.cjs"].every((file) => existsSync(new URL(file, dist)));
  return {
    native: { unavailable: "nothing is downloaded" },
    rival: { unavailable: rival.unavailable(), run: measureRival },
    weft: {
      unavailable: built ? undefined : "Weft is not built: dist/node.js is missing",
      run: async () => measureWeft(),
    },
  };
}
