// Bundles code for pages.

import { rolldown } from "rolldown";
import { rewriteSources } from "./inputs.mjs";

const ENTRY = "weft:entry";

/** A plugin: modules that are no files, by name: text of ours. */
const virtualModules = (texts) => ({
  name: "virtual-modules",
  resolveId: (name) => (Object.hasOwn(texts, name) ? name : undefined),
  load: (name) => texts[name],
});

/**
 * Bundles an entry for pages.
 *
 * @param entry the entry's text
 * @param format "esm", or "iife" for a script
 * @param modules texts of other modules that are no files, by the name that they are imported by
 */
export async function bundleForPages(
  entry,
  format,
  { plugins = [], modules = {}, minify = true } = {},
) {
  const bundle = await rolldown({
    input: ENTRY,
    platform: "browser",
    // No page's bundler that aims at ES2020 or later has to put helpers beside the function.
    transform: { target: "es2020" },
    plugins: [...plugins, virtualModules({ ...modules, [ENTRY]: entry }), rewriteSources],
  });
  const { output } = await bundle.generate({ format, minify });
  return output[0];
}
