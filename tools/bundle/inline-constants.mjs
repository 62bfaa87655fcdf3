// A plugin of the bundler: writes constants as the numbers they are.
//
// `Errno.EBADF` is a property of an exported object, which minifiers must keep, with its name. Where the declarations say that an exported object
// has nothing but read-only numbers (`as const`), each use of a member becomes the number; an object that is only used so is left out altogether.

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

/** In a declaration file: an object with nothing but read-only numbers. */
const CONSTANTS =
  /^export declare const (\w+): \{\n((?:\s*\/\*\*(?:[^*]|\*(?!\/))*\*\/\n|\s*readonly [\w$]+: (?:number|-?\d+);\n)+)\};$/gm;

/** The files below the hosts, which any JavaScript engine can run to learn their constants. */
const FLOORS = ["abi", "shm", "vfs", "kernel", "fs", "syscalls", "loader", "threads"];

/** Values of the constants by name of the object. A name that two files use for different things is left alone. */
async function findConstants(built) {
  const found = new Map();
  const ambiguous = new Set();
  for (const floor of FLOORS)
    for (const name of await readdir(join(built, floor), { recursive: true })) {
      const file = join(built, floor, name);
      const code = file.replace(/\.d\.ts$/, ".js");
      if (code === file || !existsSync(code)) continue;
      for (const [, object] of (await readFile(file, "utf8")).matchAll(CONSTANTS)) {
        if (found.has(object)) ambiguous.add(object);
        found.set(object, (await import(pathToFileURL(code).href))[object]);
      }
    }
  for (const object of ambiguous) found.delete(object);
  return found;
}

/** Names of constants that a file imports or declares, so that no other variable of the name is meant. */
function namesIn(file, constants) {
  const names = new Set();
  for (const statement of file.statements) {
    const elements = statement.importClause?.namedBindings?.elements ?? [];
    for (const { name, propertyName } of elements)
      if (!propertyName && constants.has(name.text)) names.add(name.text);
    // What a file keeps to itself is its own, whatever another file exports under that name.
    const isExported = statement.modifiers?.some(
      ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
    );
    for (const { name } of statement.declarationList?.declarations ?? [])
      if (isExported && constants.has(name.text)) names.add(name.text);
  }
  return names;
}

/** What stands for a node where it names members of a constant object, and nothing else; or undefined. */
function numbersFor(node, names, constants) {
  const valuesOf = (object) =>
    object && ts.isIdentifier(object) && names.has(object.text)
      ? constants.get(object.text)
      : undefined;
  if (ts.isPropertyAccessExpression(node)) {
    const values = valuesOf(node.expression);
    if (values && Object.hasOwn(values, node.name.text)) return `(${values[node.name.text]})`;
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    const values = valuesOf(node.initializer);
    const members = node.name.elements.map(({ name, propertyName }) => [
      name.text,
      values?.[(propertyName ?? name).text],
    ]);
    if (members.every(([name, value]) => name !== undefined && value !== undefined))
      return members.map(([name, value]) => `${name} = ${value}`).join();
  }
  return undefined;
}

/** The text of a file with each member of a constant object replaced by its number. */
function inline(path, text, constants) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const names = namesIn(file, constants);
  if (names.size === 0) return text;
  let result = "";
  let end = 0;
  const visit = (node) => {
    const numbers = numbersFor(node, names, constants);
    if (numbers === undefined) return ts.forEachChild(node, visit);
    result += text.slice(end, node.getStart(file)) + numbers;
    end = node.end;
  };
  visit(file);
  return result + text.slice(end);
}

/**
 * Makes the plugin for the files that tsc has built.
 *
 * @param {string} built the folder they are in
 * @param then does something more to a file: a function of its path and text
 */
export async function inlineConstants(built, then) {
  const constants = await findConstants(built);
  return {
    name: "inline-constants",
    transform: (code, path) =>
      path.startsWith(built) ? then(path, inline(path, code, constants)) : undefined,
  };
}
