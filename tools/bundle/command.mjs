// Bundles the command, in pieces whose compiled code is kept beside them: see `cli/launch.ts`.

import { rolldown } from "rolldown";
import { built, builtFile, rewriteSources } from "./inputs.mjs";
import { requireLateParts } from "./late-modules.mjs";
import { minifyText } from "./minify.mjs";
import { inAscii, nameNeighbours } from "./node-text.mjs";
import { numberExports } from "./numbered-exports.mjs";
import { splitModules } from "./split-modules.mjs";
import { usedAtOnce } from "./used-at-once.mjs";

/** The entries by piece: what a plain run needs, all else, and what is loaded in the middle of a call. */
const ENTRIES = {
  "command-plain": "cli/plain.js",
  command: "cli/main.js",
  "command-late": "threads/late-part.js",
};

/** The piece of a plain run; the others share its code. */
const PLAIN = "command-plain.cjs";

const lateParts = requireLateParts("command-late.cjs");

/** A plugin: instrumenting and the whole library are files of their own, which the command loads where it needs them. */
const leaveLibrary = {
  name: "leave-library",
  resolveId: (name) => {
    const [, entry] = /^\.\.\/api\/(instrument|node)\.js$/.exec(name) ?? [];
    return entry && { id: `./${entry}.cjs`, external: true };
  },
};

async function bundlePieces() {
  const used = await usedAtOnce([ENTRIES["command-plain"]], "node", [lateParts]);
  const input = Object.fromEntries(
    Object.entries(ENTRIES).map(([name, entry]) => [name, builtFile(entry)]),
  );
  const entries = new Set(Object.values(input));
  const bundle = await rolldown({
    input,
    platform: "node",
    external: /^node:/,
    plugins: [leaveLibrary, lateParts, splitModules(used), rewriteSources],
    preserveEntrySignatures: "allow-extension",
    // Some of what is imported late by one module is imported at once by others.
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.generate({
    format: "cjs",
    // Not before the exports of the first piece have their numbers.
    minify: false,
    minifyInternalExports: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: "command-[name]-[hash].cjs",
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: "plain", test: (id) => used.has(id) },
        // Without the entries: the command begins when its own is loaded.
        { name: "rest", test: (id) => id.startsWith(built) && !entries.has(id) },
      ],
    },
  });
  return new Map(output.map(({ fileName, code }) => [fileName, code]));
}

/** A script cannot import. */
const requireImports = (text) =>
  text.replace(
    /\bimport\(("(?:\.\/\w+\.cjs|node:[\w/]+)")\)/g,
    "Promise.resolve().then(() => require($1))",
  );

/** What loads the pieces. @param runPlain the number of that export of the first */
async function bundleLauncher(runPlain) {
  const bundle = await rolldown({
    input: builtFile("cli/launch.js"),
    platform: "node",
    transform: {
      define: { CORE_FILE: JSON.stringify(`./${PLAIN}`), RUN_PLAIN: String(runPlain) },
    },
  });
  const { output } = await bundle.generate({
    format: "cjs",
    minify: true,
    banner: "#!/usr/bin/env node",
  });
  return output[0].code;
}

/** Bundles the command; resolves to the texts by file name. */
export async function bundleCommand() {
  const pieces = await bundlePieces();
  const numberOf = numberExports(pieces, PLAIN);
  const texts = new Map();
  for (const [name, piece] of pieces) {
    const text = await minifyText(name, requireImports(nameNeighbours(piece)));
    texts.set(name, `(function(exports,require,module,__filename){${inAscii(text)}\n})`);
  }
  texts.set("cli.cjs", await bundleLauncher(numberOf("runPlain")));
  return texts;
}
