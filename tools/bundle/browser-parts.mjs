// Bundles the browser's parts: what few pages need. The files are loaded one after the other.
//
// A part is a function, `make`. It is called with a list of what the files before it have, and returns what the part exports. It takes what it uses from the list by number, since names
// would be a tenth of a whole file. First in the list is what the library has. The first part adds what the last one uses of it.

import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { built, builtFile } from "./inputs.mjs";
import { bundleForPages } from "./page-bundle.mjs";

const FIRST = { file: "browser-paths.js", entry: "api/browser-paths.js" };
const LAST = { file: "browser-parts.js", entry: "api/browser-parts.js" };

/** Stands before the path of a module that is in a file before the part's, where the part imports it. */
const EARLIER = "weft-earlier:";

/** A plugin: leaves out modules that are in files before the part's. */
const leaveEarlier = (isEarlier) => ({
  name: "leave-earlier",
  resolveId(name, importer) {
    if (!importer || !name.startsWith(".")) return undefined;
    const file = join(dirname(importer), name);
    return isEarlier(file) ? { id: EARLIER + relative(built, file), external: true } : undefined;
  },
});

/** The text that imports things of modules, each under a name made of its number. */
export const importUses = (uses) =>
  uses
    .map(
      ({ name, from }, number) =>
        `import { ${name} as weft${number} } from ${JSON.stringify(from)};`,
    )
    .join("\n");

/** A list of what that text imports. */
export const listUses = (uses) => `[${uses.map((_, number) => `weft${number}`)}]`;

/** What a statement of a part's module imports of the files before: `local` is its name in the part, `key` is the same for all parts. */
function readImport(statement) {
  const from = builtFile(statement.moduleSpecifier.text.slice(EARLIER.length));
  const elements = statement.importClause?.namedBindings.elements ?? [];
  return elements.map(({ name: local, propertyName }) => {
    const name = (propertyName ?? local).text;
    return { name, from, key: `${name} of ${from}`, local: local.text };
  });
}

/**
 * Bundles a part as a module.
 *
 * @param isEarlier tells of a module's path whether it is in a file before
 * @param offered what the part adds to the list for the next
 * @returns `has`, which tells of a module's path whether it is in this file; the statements, with what each imports of files before; and all that, together
 */
async function bundlePart({ entry }, isEarlier, plugins, offered = []) {
  const { code, modules } = await bundleForPages(
    `export * from ${JSON.stringify(builtFile(entry))};
    ${importUses(offered)}
    export const weftOffered = ${listUses(offered)};`,
    "esm",
    { plugins: [leaveEarlier(isEarlier), ...plugins], minify: false },
  );
  const file = ts.createSourceFile("part.js", code, ts.ScriptTarget.Latest);
  const statements = file.statements.map((node) => ({
    node,
    text: code.slice(node.pos, node.end),
    imports: ts.isImportDeclaration(node) ? readImport(node) : undefined,
  }));
  return {
    has: (path) => Boolean(modules[path]?.code),
    statements,
    uses: statements.flatMap(({ imports }) => imports ?? []),
  };
}

/** The code of a part as a function of the list. @param numbers the place of each thing in the list, by key */
function writePart({ statements }, numbers, offers) {
  const body = statements.map(({ node, text, imports }) => {
    if (imports)
      return `const{${imports.map(({ key, local }) => `${numbers.get(key)}:${local}`)}}=weftKernel;`;
    if (!ts.isExportDeclaration(node)) return text;
    const members = node.exportClause.elements
      .map(({ name, propertyName }) => `${name.text}:${(propertyName ?? name).text}`)
      .filter((member) => !member.startsWith("weftOffered:"));
    return `${offers ? "weftKernel.push(...weftOffered);" : ""}return{${members}};`;
  });
  return `export default function(weftKernel){${body.join("\n")}}`;
}

/**
 * Bundles the parts.
 *
 * @param inLibrary the modules that the library has
 * @returns `texts`, their code by file name, in the order in which they are loaded, and `uses`, what they take from the library, in the order of the list
 */
export async function bundleBrowserParts(inLibrary, plugins) {
  const isInLibrary = (path) => inLibrary.has(path);
  const first = await bundlePart(FIRST, isInLibrary, plugins);
  const last = await bundlePart(LAST, (path) => isInLibrary(path) || first.has(path), plugins);
  const offered = last.uses.filter(({ from }) => first.has(from));
  // Once more, since it is known only now what the last part uses of it.
  const firstOffering = await bundlePart(FIRST, isInLibrary, plugins, offered);

  const ofLast = last.uses.filter((use) => !offered.includes(use));
  const uses = [
    ...new Map([...firstOffering.uses, ...ofLast].map((use) => [use.key, use])).values(),
  ];
  const numbers = new Map([...uses, ...offered].map(({ key }, number) => [key, number]));
  return {
    texts: new Map([
      [FIRST.file, writePart(firstOffering, numbers, true)],
      [LAST.file, writePart(last, numbers, false)],
    ]),
    uses,
  };
}
