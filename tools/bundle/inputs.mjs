// What every bundle is made of: the files that tsc has built, and how each is rewritten before a bundler reads it.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inlineConstants } from "./inline-constants.mjs";
import { inlineRecords } from "./inline-records.mjs";
import { shortenProperties } from "./shorten-properties.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The folder of what tsc has built. */
export const built = join(root, "build/src");

/** The path of a built file, by its path below `src`. */
export const builtFile = (name) => join(built, name);

const records = await inlineRecords(built);
const shorten = shortenProperties(join(root, "src"));

/** Plugins: numbers of the ABI and of the kernel, and fields of records, as what they are, not as properties looked up by name; and short names for our own properties. */
export const rewriteSources = [
  records.plugin,
  await inlineConstants(built, (path, text) => shorten(path, records.rewrite(path, text))),
];
