// What shipped files come to, as they are and gzipped.

import { gzipSync } from "node:zlib";

/** The files that an import or a `require` at the top of a minified file names. */
const LOADED_AT_ONCE = /(?:\b(?:from|import)\s*|=require\()["'`]\.\/([\w-]+\.c?js)["'`]/g;

/**
 * The files that some load at their start: themselves and what they import, directly or not. What they load when asked for is not among them.
 *
 * @param names the files
 * @param read gives the text of a file by its name
 */
export function loadedAtStart(names, read) {
  const loaded = new Set();
  const visit = (name) => {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const [, imported] of read(name).matchAll(LOADED_AT_ONCE)) visit(imported);
  };
  names.forEach(visit);
  return [...loaded];
}

/** The bytes of a text or of a binary file after gzip at its best. */
export const gzippedSize = (content) => gzipSync(content, { level: 9 }).length;

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} kB`;

/** Prints a line of what some texts come to together. */
export function printSize(title, texts) {
  const sum = (sizeOf) => kilobytes(texts.reduce((total, text) => total + sizeOf(text), 0));
  console.log(`${title.padEnd(28)}${sum(Buffer.byteLength)}${sum(gzippedSize)} gzipped`);
}
