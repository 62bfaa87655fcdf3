// Finds out what entries need at their start, by bundling them without what they load when it is asked for.

import { rolldown } from "rolldown";
import { built, builtFile, rewriteSources } from "./inputs.mjs";
import { keptNames } from "./split-modules.mjs";

/** A plugin: leaves out what a file imports when it is asked for. */
const leaveParts = {
  name: "leave-parts",
  transform: (code) => code.replace(/\bimport\((?=")/g, "globalThis.neverCalled("),
};

/**
 * The names that entries use at once of each module, by its path; themselves included.
 *
 * @param entries their paths below `src`
 * @param platform "node" or "browser"
 * @param plugins what leaves out modules that the entries import, but that their bundle has elsewhere
 */
export async function usedAtOnce(entries, platform, plugins) {
  const bundle = await rolldown({
    input: entries.map(builtFile),
    platform,
    external: /^(node|weft):/,
    plugins: [...plugins, leaveParts, rewriteSources],
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm" });
  const used = new Map();
  for (const { modules } of output)
    for (const [path, { code }] of Object.entries(modules))
      if (code && path.startsWith(built)) used.set(path, keptNames(code));
  return used;
}
