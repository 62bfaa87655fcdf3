// Writes the fields of records as the objects that they are.
//
// `Thread.state` is a property of an object of sixty, which each agent would make at its start, with a class of objects of the engine's for each property that it gets: half of
// what the kernel's modules do when they are loaded. In a bundle each use is a constant by itself, `atomic32At56`, which all records with such a field there share, and
// what is left of `layout(…)` is `recordKind(…)`, with what the fields came to.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

/** The floors that declare records. */
const FLOORS = ["shm", "vfs", "kernel", "fs", "syscalls", "loader", "threads"];

const parse = (path, text) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);

/** The calls of `layout` at the top of a file, by the name that they declare. */
const layoutsIn = (file) =>
  new Map(
    file.statements
      .flatMap(({ declarationList }) => declarationList?.declarations ?? [])
      .filter(
        ({ initializer }) =>
          initializer &&
          ts.isCallExpression(initializer) &&
          initializer.expression.getText() === "layout",
      )
      .map(({ name, initializer }) => [name.text, initializer]),
  );

/** The declared records of the built files, by name. */
async function findRecords(built) {
  const records = new Map();
  for (const floor of FLOORS)
    for (const name of await readdir(join(built, floor), { recursive: true })) {
      const path = join(built, floor, name);
      if (!name.endsWith(".js") || name.endsWith(".test.js")) continue;
      const layouts = layoutsIn(parse(path, await readFile(path, "utf8")));
      if (layouts.size === 0) continue;
      const module = await import(pathToFileURL(path).href);
      for (const declared of layouts.keys()) {
        if (module[declared]?.layoutName !== declared)
          throw new Error(`${path}: ${declared} must be exported and have the name of its record`);
        if (records.has(declared)) throw new Error(`two kinds of records are called ${declared}`);
        records.set(declared, module[declared]);
      }
    }
  return records;
}

/** A field's name and what makes it: fields of one class at one place are the same, but for locks, which know what they are called. */
function describeField(record, key) {
  const field = record[key];
  const className = field.constructor.name;
  const parameters = Object.values(field).map((value) => JSON.stringify(value));
  return {
    name:
      parameters.length === 1
        ? `${className}At${field.offset}`
        : `${record.layoutName}_${key}`,
    text: `/* @__PURE__ */ new ${className}(${parameters})`,
    className,
  };
}

/** The records that a file imports or declares, by their names there. */
function recordsIn(file, path, built, records) {
  const names = new Map([...layoutsIn(file).keys()].map((name) => [name, records.get(name)]));
  for (const { moduleSpecifier, importClause } of file.statements) {
    if (!moduleSpecifier?.text.startsWith(".")) continue;
    // The library has classes of the same names.
    const [floor] = relative(built, join(dirname(path), moduleSpecifier.text)).split(sep);
    if (!FLOORS.includes(floor)) continue;
    for (const { name, propertyName } of importClause?.namedBindings?.elements ?? []) {
      const record = records.get((propertyName ?? name).text);
      if (record !== undefined) names.set(name.text, record);
    }
  }
  return names;
}

/** Whether a name stands where it is only declared, imported or exported. */
const isDeclared = (node, { parent } = node) =>
  ts.isImportSpecifier(parent) ||
  ts.isExportSpecifier(parent) ||
  (ts.isVariableDeclaration(parent) && parent.name === node) ||
  (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
  (ts.isPropertyAssignment(parent) && parent.name === node) ||
  ts.isMethodDeclaration(parent);

/**
 * Makes the plugin for the files that tsc has built, and what rewrites one: a function of its path and text.
 *
 * @param {string} built the folder they are in
 */
export async function inlineRecords(built) {
  const records = await findRecords(built);
  const layout = join(built, "shm/layout.js");
  const { listShapes } = await import(pathToFileURL(join(built, "shm/ledger.js")).href);
  const shapes = listShapes();
  /** The modules of the fields, one for each, so that a field is where it is used. */
  const modules = new Map();

  function rewrite(path, text) {
    if (path === layout || modules.has(path)) return text;
    const file = parse(path, text);
    const names = recordsIn(file, path, built, records);
    if (names.size === 0) return text;
    const edits = [];
    const imports = new Map();
    const addImport = (name, from) =>
      imports.set(name, `import { ${name} } from ${JSON.stringify(from)};`);
    const replaceMember = (node, record) => {
      const key = node.name.text;
      if (key === "bytes") edits.push({ node, text: `(${record.bytes})` });
      else if (typeof record[key] === "object") {
        const { name, text: value, className } = describeField(record, key);
        const id = `${layout}?${name}`;
        modules.set(
          id,
          `import { ${className} } from "./layout.js";\nexport const ${name} = ${value};`,
        );
        addImport(name, id);
        edits.push({ node, text: name });
      }
    };
    const replaceLayout = (node, record) => {
      const [name, , pool] = node.arguments;
      const parts = [name.getText(), record.bytes, shapes[record.layoutName], pool?.getText()];
      addImport("recordKind", layout);
      edits.push({
        node,
        text: `recordKind(${parts.filter((part) => part !== undefined)})`,
      });
    };
    const layouts = layoutsIn(file);
    const visit = (node) => {
      if (ts.isPropertyAccessExpression(node) && names.has(node.expression.text)) {
        replaceMember(node, names.get(node.expression.text));
      } else if (layouts.get(node.parent?.name?.text) === node) {
        replaceLayout(node, names.get(node.parent.name.text));
      } else if (ts.isIdentifier(node) && names.has(node.text) && !isDeclared(node)) {
        throw new Error(`${path}: ${node.text} is used for more than its members`);
      } else ts.forEachChild(node, visit);
    };
    visit(file);
    let result = [...imports.values()].join("\n");
    let end = 0;
    for (const { node, text: other } of edits) {
      result += text.slice(end, node.getStart()) + other;
      end = node.end;
    }
    return result + text.slice(end);
  }

  const plugin = {
    name: "inline-records",
    resolveId: (id) => (modules.has(id) ? id : undefined),
    load: (id) => modules.get(id),
  };
  return { rewrite, plugin };
}
