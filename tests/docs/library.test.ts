// Runs the examples of docs/library.md, each of which prints what its comments say, and checks that the page names everything the library exports.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import ts from "typescript";
import { ExampleDirectory, findExamples, root } from "./examples.ts";

const page = await readFile(join(root, "docs/library.md"), "utf8");
const directory = await ExampleDirectory.make("library");
after(() => directory.remove());

for (const text of findExamples(page, "js")) {
  const heading = page
    .slice(0, page.indexOf(text))
    .match(/^##+ .*$/gm)!
    .at(-1)!;
  test(`the example of "${heading.replace(/^#+ /, "")}" prints what it says`, async () => {
    const ended = await directory.runProgram(text);
    assert.deepEqual([ended.code, ended.stderr], [0, ""]);
    const said = [...text.matchAll(/^ *console\.log\([^]*?\); \/\/ (.*)$/gm)].map(
      ([, line]) => line,
    );
    assert.equal(said.length, text.match(/console\.log/g)!.length, "a line without a comment");
    assert.deepEqual(ended.stdout.trimEnd().split("\n"), said);
  });
}

/** Everything that can be named by a user of a module: exports, their members, and the texts that their types allow. */
function listNames(files: readonly string[]): Set<string> {
  const { config } = ts.readConfigFile(join(root, "src/api/tsconfig.json"), ts.sys.readFile) as {
    config: unknown;
  };
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, join(root, "src/api"));
  const program = ts.createProgram(files, { ...parsed.options, noEmit: true });
  const checker = program.getTypeChecker();
  const names = new Set<string>();
  const isOurs = (symbol: ts.Symbol) =>
    symbol.declarations?.some((each) => each.getSourceFile().fileName.includes("/src/api/"));
  const isPublic = (symbol: ts.Symbol) =>
    isOurs(symbol) &&
    !symbol.getJsDocTags(checker).some((tag) => tag.name === "internal") &&
    !symbol.declarations!.some(
      (each) =>
        (ts.getCombinedModifierFlags(each) &
          (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !==
        0,
    );
  const addMembers = (type: ts.Type) => {
    if (type.isStringLiteral()) names.add(type.value);
    for (const part of type.isUnion() ? type.types : []) addMembers(part);
    if (type.isUnion() || (type.flags & ts.TypeFlags.Object) === 0) return;
    for (const member of type.getProperties()) {
      if (!isPublic(member) || member.name.startsWith("__")) continue;
      names.add(member.name);
      const own = checker.getTypeOfSymbol(member);
      for (const part of own.isUnion() ? own.types : [own])
        if (part.isStringLiteral()) names.add(part.value);
    }
  };
  for (const file of files) {
    const source = program.getSourceFile(file)!;
    for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(source)!)) {
      const symbol =
        (exported.flags & ts.SymbolFlags.Alias) === 0
          ? exported
          : checker.getAliasedSymbol(exported);
      names.add(exported.name);
      addMembers(checker.getDeclaredTypeOfSymbol(symbol));
      if ((symbol.flags & ts.SymbolFlags.Class) !== 0) {
        for (const member of checker.getTypeOfSymbol(symbol).getProperties())
          if (isPublic(member) && member.name !== "prototype") names.add(member.name);
      }
    }
  }
  return names;
}

test("the page names everything that the library exports", () => {
  const names = listNames(
    ["node.ts", "browser.ts", "inspection.ts", "instrument.ts"].map((file) =>
      join(root, "src/api", file),
    ),
  );
  // One of each kind, so that a search which finds nothing is noticed.
  for (const name of ["Machine", "workerUrl", "spawn", "hostPath", "ERR_FILE", "taint", "lines"])
    assert.ok(names.has(name), name);
  const missing = [...names].filter(
    (name) => !new RegExp(`(?<![\\w-])${name.replaceAll(/[^\w-]/g, "\\$&")}(?![\\w-])`).test(page),
  );
  assert.deepEqual(missing, []);
});

test("the types of the package are whole: strict programs need no options for them", async () => {
  const file = join(directory.path, "typed.mts");
  await writeFile(
    file,
    `import { Machine, type ProcessResult } from "weft";
    import { inspectProgram } from "weft/inspect";
    import { instrumentProgram } from "weft/instrument";
    const machine: Machine = await Machine.create({ maxThreads: 4 });
    const result: ProcessResult = await machine.run("hello.wasm", { stdin: { text: "" } });
    const bytes: Uint8Array = await instrumentProgram(await machine.fs.readFile(result.stdout));
    inspectProgram(bytes).memory?.initial.toFixed();
    await machine[Symbol.asyncDispose]();`,
  );
  const { NodeNext, Preserve } = ts.ModuleKind;
  for (const module of [NodeNext, Preserve]) {
    const target = ts.ScriptTarget.ES2022;
    const options = { strict: true, noEmit: true, target, module, types: [] };
    const program = ts.createProgram([file], options);
    const messages = ts
      .getPreEmitDiagnostics(program)
      .map(({ file: where, messageText }) => [where?.fileName, messageText]);
    assert.deepEqual(messages, []);
  }
});

test("what the page links to within itself is there", () => {
  const anchors = [...page.matchAll(/^##+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  for (const [, anchor] of page.matchAll(/\]\(#([^)]+)\)/g))
    assert.ok(anchors.includes(anchor), anchor);
});
