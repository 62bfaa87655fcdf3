// Copies the declarations that users of the library need.

import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { built, builtFile } from "./inputs.mjs";

const ENTRIES = [
  "api/node.d.ts",
  "api/browser.d.ts",
  "api/inspection.d.ts",
  "api/instrument.d.ts",
].map(builtFile);

/** The declaration files that some reach through relative imports, themselves included. */
function listReachable(files) {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    const { importedFiles, referencedFiles } = ts.preProcessFile(readFileSync(file, "utf8"));
    for (const { fileName } of [...importedFiles, ...referencedFiles]) {
      if (!fileName.startsWith(".")) continue;
      visit(join(dirname(file), fileName.replace(/\.(js|ts)$/, ".d.ts")));
    }
  };
  files.forEach(visit);
  return reached;
}

/** Copies to a folder what the entries of the library reach. */
export async function copyTypes(folder) {
  for (const file of listReachable(ENTRIES)) {
    const target = join(folder, relative(built, file));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
}
