// A plugin of the bundler: gives the properties that only this project's own code knows short names.
//
// Minifiers must keep the names of properties, as they cannot know who reads them. Here that is known: what the sources declare below the library is theirs, unless
// somebody else means the same name. So a name is kept
//
// - that the language, a browser, Node or another package has;
// - that the library or the command declares, but for what they keep private;
// - that a type has which the library passes on from a floor below, since users write or read objects of it;
// - that is also a text in some source (it may be looked up by it), or a key in a table at the top of a file (its keys may be listed);
// - that the ABI or a WebAssembly module has: those are written with underscores, ours are not.
//
// A name is the same in all files, since the library, its workers and the command exchange objects.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import ts from "typescript";

const require = createRequire(import.meta.url);

/** All files below a folder whose names pass. */
function listFiles(folder, passes) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => passes(name))
    .map((name) => join(folder, name));
}

/** Whether what is declared there has a name that a plain property access may use. */
const declaresProperty = (node) =>
  ts.isPropertySignature(node) ||
  ts.isMethodSignature(node) ||
  ts.isPropertyDeclaration(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isPropertyAssignment(node) ||
  ts.isShorthandPropertyAssignment(node) ||
  ts.isAccessor(node) ||
  ts.isParameterPropertyDeclaration(node, node.parent);

const isPrivate = (node) =>
  node.modifiers?.some(
    ({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword,
  ) === true;

/** Whether an object is a table of its file: its keys may be listed. */
function isTable(object) {
  let node = object.parent;
  while (ts.isExpression(node) && !ts.isFunctionLike(node)) {
    if (ts.isCallExpression(node) && !/^Object\./.test(node.expression.getText())) return false;
    node = node.parent;
    while (ts.isPropertyAssignment(node) || ts.isObjectLiteralExpression(node)) node = node.parent;
  }
  return ts.isVariableDeclaration(node) && ts.isSourceFile(node.parent.parent.parent);
}

const parse = (path) =>
  ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);

/** The names, where they are declared, of what a source of the library exports from floors below. */
function listPassedOn(path) {
  return parse(path).statements.flatMap((node) =>
    ts.isExportDeclaration(node) &&
    node.exportClause &&
    ts.isNamedExports(node.exportClause) &&
    node.moduleSpecifier?.text.startsWith("../")
      ? node.exportClause.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
      : [],
  );
}

/** Goes through a source: which names it declares, and which have to stay as they are. */
function readSource(root, path, passedOn, declared, kept, uses) {
  const file = parse(path);
  const floor = relative(root, path).split(sep)[0];
  const isPublic = floor === "api" || floor === "cli";
  const isForeign = floor === "abi" || floor === "types" || path.endsWith(".d.ts");
  const usesPackages = file.statements.some(
    ({ moduleSpecifier }) => moduleSpecifier && !/^(\.|node:|weft:)/.test(moduleSpecifier.text),
  );
  const visit = (node) => {
    if (declaresProperty(node) && ts.isIdentifier(node.name)) {
      declared.add(node.name.text);
      const isPassedOn = passedOn.has(node.parent.name?.text);
      if (isForeign || isPassedOn || (isPublic && !isPrivate(node))) kept.add(node.name.text);
    }
    if (ts.isIdentifier(node)) uses.set(node.text, (uses.get(node.text) ?? 0) + 1);
    if (ts.isStringLiteralLike(node)) kept.add(node.text);
    if (usesPackages && ts.isPropertyAccessExpression(node)) kept.add(node.name.text);
    if (ts.isObjectLiteralExpression(node) && isTable(node))
      for (const property of node.properties) if (property.name) kept.add(property.name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
}

/** Every word of the declarations of the language, of browsers and of Node. */
function readPlatformNames(kept) {
  const language = listFiles(dirname(require.resolve("typescript")), (name) =>
    /^lib\..*\.d\.ts$/.test(name),
  );
  const node = listFiles(dirname(require.resolve("@types/node/package.json")), (name) =>
    name.endsWith(".d.ts"),
  );
  for (const path of [...language, ...node])
    for (const [word] of readFileSync(path, "utf8")
      .replace(/\/\*[^]*?\*\/|\/\/.*/g, "")
      .matchAll(/[A-Za-z_$][\w$]*/g))
      kept.add(word);
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** The names of one letter, of two, and so on. */
function* shortNames() {
  for (let last = [""]; ;) {
    last = last.flatMap((start) => [...LETTERS].map((letter) => start + letter));
    yield* last;
  }
}

/** Short names by the names that they stand for. */
function chooseNames(root) {
  const declared = new Set();
  const kept = new Set();
  const uses = new Map();
  const isSource = (name) => name.endsWith(".ts") && !name.endsWith(".test.ts");
  const passedOn = new Set(listFiles(join(root, "api"), isSource).flatMap(listPassedOn));
  for (const path of listFiles(root, isSource))
    readSource(root, path, passedOn, declared, kept, uses);
  readPlatformNames(kept);
  const own = [...declared].filter((name) => !kept.has(name) && !name.includes("_")).sort();
  const taken = new Set([...declared, ...kept]);
  const names = shortNames();
  const chosen = new Map();
  for (const name of own.sort((one, other) => uses.get(other) - uses.get(one))) {
    let { value: short } = names.next();
    while (taken.has(short)) short = names.next().value;
    chosen.set(name, short);
  }
  return chosen;
}

/** The text of a built file with short names. */
function shorten(path, text, names) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const edits = [];
  const replace = (node, after = "") => {
    const name = ts.isIdentifier(node) && names.get(node.text);
    if (name)
      edits.push({
        start: node.getStart(),
        end: after === "" ? node.end : node.getStart(),
        text: name + after,
      });
  };
  const visit = (node) => {
    if (ts.isPropertyAccessExpression(node)) replace(node.name);
    else if (ts.isShorthandPropertyAssignment(node)) replace(node.name, ":");
    else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
      if (node.propertyName) replace(node.propertyName);
      else if (!node.dotDotDotToken) replace(node.name, ":");
    } else if (declaresProperty(node)) replace(node.name);
    ts.forEachChild(node, visit);
  };
  visit(file);
  edits.sort((one, other) => one.start - other.start);
  let result = "";
  let end = 0;
  for (const edit of edits) {
    result += text.slice(end, edit.start) + edit.text;
    end = edit.end;
  }
  return result + text.slice(end);
}

/**
 * Makes what gives the files that tsc has built short names.
 *
 * @param {string} root the folder of the sources
 * @returns a function of a file's path and text
 */
export function shortenProperties(root) {
  const names = chooseNames(root);
  return (path, text) => shorten(path, text, names);
}
