// Keeps the floors of the house: imports between the folders of src/ go down only.
//
//   node tools/check-floors.mjs [--print]
//
// tools/floors.json lists for each floor the floors it may import. This fails where a file imports a floor that is not
// listed, where files or floors import each other in a circle, where a floor below hosts names a thing of one
// platform, and where a file outside src/shm waits or wakes. --print draws the graph. Tests are left out: they may
// look anywhere.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src");
const allowed = JSON.parse(readFileSync(join(root, "tools/floors.json"), "utf8"));
const floors = Object.keys(allowed);
const hostFloor = floors.indexOf("hosts");

/** Names that exist only in Node or only in browsers; a binding of our own by such a name is not meant. */
const platformNames = new Set([
  "process",
  "Buffer",
  "require",
  "global",
  "window",
  "self",
  "document",
  "navigator",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "postMessage",
]);

/**
 * Files outside src/shm that may wait or wake, each with its reason. Entries that are not used fail too, so that the
 * table only ever lists what is true.
 */
const mayWait = {
  "cli/output.ts": "waits a millisecond for a full pipe; its word is its own, nobody wakes it",
};

// ---------------------------------------------------------------------------------------------------------------------

const failures = [];
const fail = (file, line, text) => failures.push(`src/${file}:${line}: ${text}`);

function listFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    const counts = /\.ts$/.test(entry.name) && !/\.(test|case|bench|d)\.ts$/.test(entry.name);
    return counts ? [relative(source, path).split(sep).join("/")] : [];
  });
}

/** The floor of a file: the longest listed folder that it lies in. */
function floorOf(file) {
  return floors
    .filter((floor) => file.startsWith(floor + "/"))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * Reads what of a file matters here: its imports, the platform names it uses, its waits and wakes; each with its line.
 * A platform name counts where it is an expression and the file nowhere binds it itself.
 */
function readFacts(file) {
  const text = readFileSync(join(source, file), "utf8");
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const facts = { imports: [], platform: [], waits: [] };
  const bound = new Set();
  const lineOf = (node) => tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const addImport = (node, specifier, type) =>
    facts.imports.push({ specifier, type: Boolean(type), line: lineOf(node) });

  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      addImport(node, node.moduleSpecifier.text, node.importClause?.isTypeOnly);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      addImport(node, node.moduleSpecifier.text, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      if (ts.isStringLiteral(node.arguments[0])) addImport(node, node.arguments[0].text);
    } else if (ts.isNewExpression(node) && node.expression.getText() === "URL") {
      const first = node.arguments?.[0];
      if (first && ts.isStringLiteral(first) && first.text.startsWith(".")) {
        addImport(node, first.text);
      }
    } else if (ts.isPropertyAccessExpression(node) && node.expression.getText() === "Atomics") {
      if (/^(wait|waitAsync|notify)$/.test(node.name.text)) {
        facts.waits.push({ name: node.getText(), line: lineOf(node) });
      }
    }
    if (ts.isIdentifier(node) && platformNames.has(node.text)) {
      const { parent } = node;
      const inExpression =
        !(ts.isPropertyAccessExpression(parent) && parent.name === node) &&
        !ts.isTypeNode(parent) &&
        !ts.isQualifiedName(parent);
      if (parent.name === node && !ts.isPropertyAccessExpression(parent)) {
        const member = ts.isPropertyAssignment(parent) || ts.isClassElement(parent);
        if (!member && !ts.isTypeElement(parent)) bound.add(node.text);
      } else if (inExpression) {
        facts.platform.push({ name: node.text, line: lineOf(node) });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  facts.platform = facts.platform.filter(({ name }) => !bound.has(name));
  return facts;
}

/** A circle in a graph of name -> set of names, as a list that ends where it began; or nothing. */
function findCircle(graph) {
  const done = new Set();
  const path = [];
  const visit = (node) => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next);
      if (circle) return circle;
    }
    path.pop();
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node);
    if (circle) return circle;
  }
  return undefined;
}

// ---------------------------------------------------------------------------------------------------------------------

// floors.json itself: a floor may list only floors that stand before it.
for (const [index, floor] of floors.entries()) {
  for (const other of allowed[floor]) {
    const place = floors.indexOf(other);
    if (place < 0) failures.push(`tools/floors.json: ${floor} lists ${other}, which is no floor`);
    else if (place >= index) failures.push(`tools/floors.json: ${floor} lists ${other}, above it`);
  }
}

const files = listFiles(source);
const floorGraph = new Map(floors.map((floor) => [floor, new Set()]));
const fileGraph = new Map(files.map((file) => [file, new Set()]));
const counts = new Map();
const waiters = new Set();

for (const file of files) {
  const floor = floorOf(file);
  if (!floor) {
    fail(file, 1, "lies in no floor of tools/floors.json");
    continue;
  }
  counts.set(floor, (counts.get(floor) ?? 0) + 1);
  const facts = readFacts(file);
  const belowHosts = floors.indexOf(floor) < hostFloor;

  for (const { specifier, type, line } of facts.imports) {
    if (!specifier.startsWith(".")) {
      if (belowHosts) fail(file, line, `${floor} imports "${specifier}": only hosts may`);
      continue;
    }
    const path = resolve(dirname(join(source, file)), specifier);
    const target = relative(source, path).split(sep).join("/");
    const targetFloor = floorOf(target);
    // Read at run time, beside the folder of the bundle: no module.
    if (specifier === "../package.json" && floor === "cli") continue;
    if (target.startsWith("..") || !targetFloor) {
      fail(file, line, `imports "${specifier}", which lies in no floor`);
      continue;
    }
    if (/\.ts$/.test(target) && !existsSync(path)) {
      fail(file, line, `imports "${specifier}", which does not exist`);
    }
    // A circle of types alone is harmless at run time and often the honest shape of two records.
    if (!type && fileGraph.has(target)) fileGraph.get(file).add(target);
    if (targetFloor === floor) continue;
    floorGraph.get(floor).add(targetFloor);
    if (!allowed[floor].includes(targetFloor)) {
      const way = floors.indexOf(targetFloor) > floors.indexOf(floor) ? "upward" : "sideways";
      fail(file, line, `${way} import: ${floor} may not import ${targetFloor} ("${specifier}")`);
    }
  }

  if (belowHosts) {
    for (const { name, line } of facts.platform) {
      fail(file, line, `${floor} names ${name}: no platform below hosts`);
    }
  }
  if (floor !== "shm") {
    for (const { name, line } of facts.waits) {
      if (mayWait[file]) waiters.add(file);
      else fail(file, line, `${name}: only src/shm waits and wakes`);
    }
  }
}

for (const file of Object.keys(mayWait)) {
  if (!waiters.has(file)) failures.push(`tools/check-floors.mjs: ${file} no longer waits or wakes`);
}

for (const graph of [floorGraph, fileGraph]) {
  const circle = findCircle(graph);
  if (circle) failures.push(`circular import: ${circle.join(" -> ")}`);
}

if (process.argv.includes("--print")) {
  for (const floor of floors) {
    const uses = floors.filter((other) => floorGraph.get(floor).has(other));
    const size = `${counts.get(floor) ?? 0} files`;
    console.log(`${floor.padEnd(14)} ${size.padStart(9)}  -> ${uses.join(", ") || "nothing"}`);
  }
}

if (failures.length > 0) {
  console.error(failures.join("\n"));
  console.error(`check-floors: ${failures.length} failures in ${files.length} files`);
  process.exitCode = 1;
} else {
  console.log(`check-floors: ${files.length} files, imports go down only`);
}
