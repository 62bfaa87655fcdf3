// The Node.js programs a run uses: the system's one, and the current one from the devDependency
// `node`. Both are asked for their version and for JSPI, which decides what goals hold.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const name = process.platform === "win32" ? "node.exe" : "node";
const current = fileURLToPath(new URL(`../node_modules/node/bin/${name}`, import.meta.url));

/**
 * npm puts `node_modules/.bin` first on the path, where the devDependency `node` would pass for the
 * system's: such folders are left out.
 */
function findSystemNode() {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder === "" || folder.split(sep).includes("node_modules")) continue;
    const file = join(folder, name);
    if (existsSync(file)) return file;
  }
  return process.execPath;
}

const probe = `console.log(JSON.stringify([process.version, typeof WebAssembly.Suspending === "function"]))`;

function describe(file) {
  const [version, jspi] = JSON.parse(
    execFileSync(file, ["-e", probe], { encoding: "utf8", timeout: 30_000 }),
  );
  return { file, version, jspi };
}

/**
 * The Nodes to measure with, as `{ file, version, jspi }`.
 *
 * @param {"20" | "current" | "both"} which `20` is the system's Node, whatever its version.
 * @throws {Error} when the current Node is asked for and not installed.
 */
export function findNodes(which) {
  const files = [];
  if (which !== "current") files.push(findSystemNode());
  if (which !== "20") {
    if (!existsSync(current)) throw new Error(`the devDependency "node" is not installed`);
    files.push(current);
  }
  return files.map(describe);
}
