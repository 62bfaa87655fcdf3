// A plugin of the bundler: splits modules by what is needed at once.
//
// A bundle's first file holds whole modules, and a part that needs one more function of such a module would make that function a piece of the first file. So each
// module of which only some functions are used at once becomes two: the rest, which imports what it needs of the module, goes where it is used.
//
// Only functions, classes and constants move that do nothing when they are declared, and that do not touch a variable of the module that is assigned to.

import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import ts from "typescript";

/** Stands behind a module's path for its rest. */
const REST = "?rest";

const parse = (text) => ts.createSourceFile("module.js", text, ts.ScriptTarget.Latest, true);

const isExported = (statement) =>
  statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;

/** The names that a statement declares. */
const declaredBy = (statement) =>
  [statement.name, ...(statement.declarationList?.declarations ?? []).map(({ name }) => name)]
    .filter((name) => name !== undefined && ts.isIdentifier(name))
    .map(({ text }) => text);

/** The names that a file of tsc's exports by its own statements. */
const exportedBy = (text) =>
  parse(text).statements.flatMap((statement) =>
    ts.isExportDeclaration(statement)
      ? statement.exportClause.elements.map(({ name }) => name.text)
      : isExported(statement)
        ? declaredBy(statement)
        : [],
  );

function identifiersIn(node, found) {
  if (ts.isIdentifier(node)) found.add(node.text);
  ts.forEachChild(node, (child) => void identifiersIn(child, found));
  return found;
}

const identifiersOf = (nodes) =>
  nodes.reduce((found, node) => identifiersIn(node, found), new Set());

/** Whether a class does nothing when it is declared. */
const isPlain = ({ heritageClauses, members }) =>
  heritageClauses === undefined &&
  members.every(
    (member) =>
      !ts.isClassStaticBlockDeclaration(member) &&
      !member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword),
  );

/** Whether an expression does nothing but make a value. */
const isValue = (node) =>
  ts.isLiteralExpression(node) ||
  ts.isFunctionExpression(node) ||
  ts.isArrowFunction(node) ||
  ts.isIdentifier(node) ||
  [ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword].includes(node.kind) ||
  (ts.isPropertyAccessExpression(node) && isValue(node.expression)) ||
  (ts.isPrefixUnaryExpression(node) && isValue(node.operand)) ||
  (ts.isBinaryExpression(node) && isValue(node.left) && isValue(node.right)) ||
  (ts.isArrayLiteralExpression(node) && node.elements.every(isValue)) ||
  (ts.isObjectLiteralExpression(node) &&
    node.properties.every(
      (property) => ts.isPropertyAssignment(property) && isValue(property.initializer),
    )) ||
  (ts.isNewExpression(node) &&
    ["Map", "Set", "Uint8Array"].includes(node.expression.text) &&
    (node.arguments ?? []).every(isValue));

/** Whether a statement declares one thing, and nothing happens when it does. */
function isMovable(statement) {
  if (ts.isFunctionDeclaration(statement)) return true;
  if (ts.isClassDeclaration(statement)) return isPlain(statement);
  const { declarations = [], flags } = statement.declarationList ?? {};
  const [{ name, initializer } = {}] = declarations;
  return (
    declarations.length === 1 &&
    (flags & ts.NodeFlags.Const) !== 0 &&
    ts.isIdentifier(name) &&
    isValue(initializer)
  );
}

/** The names declared in code that a bundler kept of a module; where it had to tell two apart, it added a number. */
export const keptNames = (code) =>
  new Set(
    parse(code).statements.flatMap((statement) =>
      declaredBy(statement).map((name) => name.replace(/\$\d+$/, "")),
    ),
  );

/** A module's two halves and the names that moved; undefined where nothing does. */
function split(text, kept) {
  const { statements } = parse(text);
  const variables = new Set(
    statements
      .filter(
        ({ declarationList }) => declarationList && !(declarationList.flags & ts.NodeFlags.Const),
      )
      .flatMap(declaredBy),
  );
  let moved = statements.filter(
    (statement) =>
      isMovable(statement) &&
      !kept.has(declaredBy(statement)[0]) &&
      ![...identifiersIn(statement, new Set())].some((name) => variables.has(name)),
  );
  // What stays must not need what moves, also where it is not used at once.
  for (;;) {
    const stay = statements.filter((statement) => !moved.includes(statement));
    const needed = identifiersOf(stay);
    const still = moved.filter((statement) => !needed.has(declaredBy(statement)[0]));
    if (still.length === moved.length) break;
    moved = still;
  }
  if (moved.length === 0) return undefined;
  const names = new Set(moved.flatMap(declaredBy));
  const needed = identifiersOf(moved);
  const others = statements.filter((statement) => !moved.includes(statement));
  const wanted = others
    .flatMap((statement) => declaredBy(statement))
    .filter((name) => needed.has(name));
  const exported = new Set(exportedBy(text));
  const hidden = wanted.filter((name) => !exported.has(name));
  const textOf = (list) => list.map((statement) => statement.getFullText()).join("");
  const imports = others.filter(ts.isImportDeclaration);
  return {
    names,
    wanted,
    core: `${textOf(others)}\nexport { ${hidden.join(", ")} };`,
    rest: (path) =>
      `${textOf(imports)}\nimport { ${wanted.join(", ")} } from "./${basename(path)}";\n${moved
        .map((statement) => statement.getText().replace(/^(?!export )/, "export "))
        .join("\n")}`,
  };
}

/** Has files that export all of others say what: of a file that is left out, a bundler cannot know it. */
const nameExports = (code, path) =>
  code.replace(/^export \* from "(\..*)";$/gm, (_, name) => {
    const names = exportedBy(readFileSync(join(dirname(path), name), "utf8"));
    return `export { ${names.join(", ")} } from "${name}";`;
  });

/**
 * Makes the plugin.
 *
 * @param used the names that are used at once of each module, by its path
 */
export function splitModules(used) {
  const halves = new Map();
  for (const [path, names] of used) {
    // The field of a record has a module of its own, without a file.
    if (path.includes("?")) continue;
    const found = split(readFileSync(path, "utf8"), names);
    if (found !== undefined) halves.set(path, found);
  }
  const halfOf = (path) => halves.get(path);
  /** Imports what moved from where it is now. */
  const redirect = (code, path) => {
    const edits = [];
    for (const statement of parse(code).statements) {
      const from = statement.moduleSpecifier?.text;
      const bindings = statement.importClause?.namedBindings ?? statement.exportClause;
      if (!from?.startsWith(".") || bindings?.elements === undefined) continue;
      const half = halfOf(join(dirname(path), from));
      const moves = ({ name, propertyName }) => half.names.has((propertyName ?? name).text);
      if (!half || !bindings.elements.some(moves)) continue;
      const verb = ts.isImportDeclaration(statement) ? "import" : "export";
      const list = (elements) => `{ ${elements.map((element) => element.getText()).join(", ")} }`;
      const text = [
        `${verb} ${list(bindings.elements.filter((element) => !moves(element)))} from "${from}";`,
        `${verb} ${list(bindings.elements.filter(moves))} from "${from}${REST}";`,
      ];
      edits.push({ start: statement.getStart(), end: statement.end, text: text.join("\n") });
    }
    return edits.reduceRight(
      (text, { start, end, text: other }) => text.slice(0, start) + other + text.slice(end),
      code,
    );
  };
  return {
    name: "split-modules",
    resolveId: (name, importer) =>
      name.endsWith(REST)
        ? name.startsWith(".")
          ? join(dirname(importer.replace(REST, "")), name)
          : name
        : undefined,
    load: (id) => {
      const path = id.endsWith(REST) ? id.slice(0, -REST.length) : id;
      const half = halfOf(path);
      if (half === undefined) return undefined;
      return path === id ? half.core : half.rest(path);
    },
    transform: (code, id) => redirect(nameExports(code, id), id.replace(REST, "")),
  };
}
