// What is changed in the text of bundles for Node.

import { REQUIRE } from "./late-modules.mjs";

/** A plugin: takes out what tsc puts around the addresses that are imported: those that the host program gives name no source. */
export const importAsGiven = {
  name: "import-as-given",
  transform: (code) =>
    code
      .replace(/^var __rewriteRelativeImportExtension = [^]*?^\};\n/m, "")
      .replaceAll("__rewriteRelativeImportExtension(", "("),
};

/** Gives a bundled file the names of what is beside it. */
export const nameNeighbours = (text) =>
  text
    // Beside the bundle, the worker has another name than among the built files.
    .replaceAll("./worker-entry.js", "./worker-node.cjs")
    .replaceAll(REQUIRE, "require")
    // Nobody asks whether they are modules.
    .replace(/^Object\.defineProperty\(exports, Symbol\.toStringTag, .*\n/m, "");

/** Text in strings as ASCII: the command reads its pieces, and workers their code, as bytes, one a character, which is quickest. */
export const inAscii = (code) =>
  code.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
