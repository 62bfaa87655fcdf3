// Has workers of Node begin with half of the file that they share with the library.
//
// A worker needs less than two thirds of it. The rest would be declared in each of them: closures and classes, which fill what the engine gives young objects at first. So
// all that a worker's start does not reach comes to stand in one function, which the library calls when it begins, and a worker when it loads a part that needs some of it.

import ts from "typescript";

const NAME = "shared.js";

/** A source file, and what tells the symbol of a name in it. */
function resolveNames(text) {
  const file = ts.createSourceFile(NAME, text, ts.ScriptTarget.Latest, true);
  const host = {
    ...ts.createCompilerHost({}),
    getSourceFile: (name) => (name === NAME ? file : undefined),
    fileExists: (name) => name === NAME,
  };
  const options = { allowJs: true, noLib: true, noResolve: true, types: [] };
  const checker = ts.createProgram([NAME], options, host).getTypeChecker();
  const symbolOf = (node) =>
    ts.isShorthandPropertyAssignment(node.parent)
      ? checker.getShorthandAssignmentValueSymbol(node.parent)
      : checker.getSymbolAtLocation(node);
  return { file, symbolOf };
}

/** The names that a statement at the top of a file declares. */
const declaredBy = ({ name, declarationList }) =>
  [name, ...(declarationList?.declarations ?? []).map((declaration) => declaration.name)].filter(
    (node) => node !== undefined,
  );

/** What a file's statements need of each other: for each those that declare what it names. */
function findNeeds(file, symbolOf) {
  const declares = new Map();
  for (const statement of file.statements)
    for (const name of declaredBy(statement)) declares.set(symbolOf(name), statement);
  const needs = new Map();
  for (const statement of file.statements) {
    const needed = new Set();
    const visit = (node) => {
      if (ts.isIdentifier(node)) needed.add(declares.get(symbolOf(node)));
      ts.forEachChild(node, visit);
    };
    visit(statement);
    needed.delete(undefined);
    needs.set(statement, needed);
  }
  return { declares, needs };
}

/** Everything that some statements need, themselves included. */
function reach(statements, needs) {
  const reached = new Set(statements);
  // What is added is visited, too.
  for (const statement of reached) for (const needed of needs.get(statement)) reached.add(needed);
  return reached;
}

/** The local name by which a file knows the shared one, and the numbers of the exports that it uses. */
function usesOf(text, shared) {
  const [line, local] =
    text.match(new RegExp(`const (\\w+) = require\\("\\./${shared}"\\);`)) ?? [];
  if (local === undefined) return undefined;
  const numbers = [...text.matchAll(new RegExp(`\\b${local}\\[(\\d+)\\]`, "g"))];
  return { line, local, numbers: new Set(numbers.map(([, number]) => Number(number))) };
}

/**
 * Divides the shared file, and has those that need its second half call for it.
 *
 * @param texts the files by name; the shared one, whose exports have numbers, and those that use it are replaced
 * @param shared the name of the shared file
 * @param starter the file that does without the second half
 */
export function divideShared(texts, shared, starter) {
  const { file, symbolOf } = resolveNames(texts.get(shared));
  const { declares, needs } = findNeeds(file, symbolOf);
  const last = file.statements.at(-1);
  const exported = last.expression.right.elements;
  const declaring = exported.map((name) => declares.get(symbolOf(name)));
  const { numbers } = usesOf(texts.get(starter), shared);
  const atStart = reach(
    [
      ...file.statements.filter(
        (statement) => statement !== last && declaredBy(statement).length === 0,
      ),
      ...[...numbers].map((number) => declaring[number]),
    ],
    needs,
  );
  const isLate = (number) => !atStart.has(declaring[number]);
  const textOf = (statements) => statements.map((statement) => statement.getFullText()).join("");
  const others = file.statements.filter((statement) => statement !== last);
  const late = exported.flatMap((name, number) =>
    isLate(number) ? [`${number}: ${name.text}`] : [],
  );
  const begin = exported.length;
  texts.set(
    shared,
    `${textOf(others.filter((statement) => atStart.has(statement)))}
let hasBegun = false;
function beginLibrary() {
  if (hasBegun) return;
  hasBegun = true;
  ${textOf(others.filter((statement) => !atStart.has(statement)))}
  Object.assign(module.exports, {${late}});
}
module.exports = [${exported.map((name, number) => (isLate(number) ? "" : name.text))}, beginLibrary];
`,
  );
  for (const [name, text] of texts) {
    const uses = usesOf(text, shared);
    if (uses === undefined || ![...uses.numbers].some(isLate)) continue;
    texts.set(name, text.replace(uses.line, `${uses.line}\n${uses.local}[${begin}]();`));
  }
}
