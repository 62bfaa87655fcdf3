// Writes the fields of records as the objects that they are.
//
// `Thread.state` is a property of an object of sixty. Each agent would make all of these at its start, and the engine a class of objects for each property: half of what the
// kernel's modules did when they were loaded. In a bundle each use is a constant by itself, `Atomic32FieldAt56`, which all records with such a field there share; and what
// is left of a declaration is `recordKind(…)`, with what the fields came to.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

/** The floors that declare records. */
const FLOORS = ["shm", "vfs", "kernel", "fs", "syscalls", "loader", "threads"];

const parse = (path, text) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);

const importBuilt = (path) => import(pathToFileURL(path).href);

const isCallOfLayout = (node) =>
  node !== undefined && ts.isCallExpression(node) && node.expression.getText() === "layout";

/** The calls of `layout` at the top of a file, by the names that they declare. */
const layoutsIn = (file) =>
  new Map(
    file.statements
      .flatMap(({ declarationList }) => declarationList?.declarations ?? [])
      .filter(({ initializer }) => isCallOfLayout(initializer))
      .map(({ name, initializer }) => [name.text, initializer]),
  );

/** The declared records of the built files, by name. */
async function findRecords(built) {
  const records = new Map();
  for (const floor of FLOORS)
    for (const name of await readdir(join(built, floor), { recursive: true })) {
      if (!name.endsWith(".js") || name.endsWith(".test.js")) continue;
      const path = join(built, floor, name);
      const declared = [...layoutsIn(parse(path, await readFile(path, "utf8"))).keys()];
      const module = declared.length > 0 && (await importBuilt(path));
      for (const name of declared) {
        if (module[name]?.layoutName !== name)
          throw new Error(`${path}: ${name} must be exported, with the name of its record`);
        if (records.has(name)) throw new Error(`two kinds of records are called ${name}`);
        records.set(name, module[name]);
      }
    }
  return records;
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

/** A field's name by itself, its class, and what it is made with. Fields of a class at a place are all the same; but locks know what they are called. */
function describeField(record, key) {
  const field = record[key];
  const { name: kind } = field.constructor;
  const parameters = Object.values(field).map((value) => JSON.stringify(value));
  const name = parameters.length === 1 ? `${kind}At${field.offset}` : `${record.layoutName}_${key}`;
  return { name, kind, parameters };
}

/** Whether a name is declared, imported or exported there, or is that of somebody's property. */
const isNamed = (node, { parent } = node) =>
  ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || parent.name === node;

/** The places of a file that tell of records: uses of their members, and declarations. */
function findUses(file, path, names) {
  const members = [];
  const layouts = [];
  const visit = (node) => {
    if (ts.isPropertyAccessExpression(node) && names.has(node.expression.text)) members.push(node);
    else if (isCallOfLayout(node) && names.has(node.parent.name?.text)) layouts.push(node);
    else if (ts.isIdentifier(node) && names.has(node.text) && !isNamed(node))
      throw new Error(`${path}: ${node.text} is used for more than its members`);
    else ts.forEachChild(node, visit);
  };
  visit(file);
  return { members, layouts };
}

/** A text with some of its nodes replaced, behind what those need to be imported. */
function replaceNodes(text, edits) {
  const imports = new Map(edits.map(({ name, from }) => [name, from]));
  imports.delete(undefined);
  let result = [...imports]
    .map(([name, from]) => `import { ${name} } from ${JSON.stringify(from)};\n`)
    .join("");
  let end = 0;
  for (const { node, by } of edits.sort((one, other) => one.node.pos - other.node.pos)) {
    result += text.slice(end, node.getStart()) + by;
    end = node.end;
  }
  return result + text.slice(end);
}

/**
 * Makes the plugin for the files that tsc has built, which knows the fields, and what rewrites a file: a function of its path and text.
 *
 * @param {string} built the folder they are in
 */
export async function inlineRecords(built) {
  const records = await findRecords(built);
  const shapes = (await importBuilt(join(built, "shm/ledger.js"))).listShapes();
  const layout = join(built, "shm/layout.js");
  /** A module for each field, so that it comes to be where it is used. */
  const fields = new Map();

  function replaceMember(node, record) {
    const key = node.name.text;
    if (key === "bytes") return [{ node, by: `(${record.bytes})` }];
    if (typeof record[key] !== "object") return [];
    const { name, kind, parameters } = describeField(record, key);
    const from = `${layout}?${name}`;
    const value = `/* @__PURE__ */ new ${kind}(${parameters})`;
    fields.set(from, `import { ${kind} } from "./layout.js";\nexport const ${name} = ${value};`);
    return [{ node, by: name, name, from }];
  }

  function replaceLayout(node, { layoutName, bytes }) {
    const [name, , pool] = node.arguments.map((argument) => argument.getText());
    const values = [name, bytes, shapes[layoutName], ...(pool === undefined ? [] : [pool])];
    return { node, by: `recordKind(${values})`, name: "recordKind", from: layout };
  }

  function rewrite(path, text) {
    const file = parse(path, text);
    const names = recordsIn(file, path, built, records);
    if (names.size === 0) return text;
    const { members, layouts } = findUses(file, path, names);
    return replaceNodes(text, [
      ...members.flatMap((node) => replaceMember(node, names.get(node.expression.text))),
      ...layouts.map((node) => replaceLayout(node, names.get(node.parent.name.text))),
    ]);
  }

  const plugin = {
    name: "inline-records",
    resolveId: (id) => (fields.has(id) ? id : undefined),
    load: (id) => fields.get(id),
  };
  return { rewrite, plugin };
}
