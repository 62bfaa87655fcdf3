import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test from "node:test";
import {
  buildModule,
  customSection,
  exportEntry,
  F64,
  FUNCREF,
  functionType,
  i32Global,
  I32,
  i64Global,
  I64,
  importEntry,
  Kind,
  limits,
  moduleOf,
  section,
  seededRandom,
  SHARED,
  text,
  unsigned,
  vector,
  WIDE,
} from "../../tests/support/wasm-builder.ts";
import { readDylinkSection } from "./dylink-section.ts";
import { describeModule, exportedGlobalValue } from "./module-description.ts";
import { rareTypes } from "./rare-types.ts";
import { provideRareTypes } from "./wasm-types.ts";
import { ModuleError } from "./module-error.ts";
import { describeTools } from "./tool-sections.ts";

provideRareTypes(rareTypes);

/** One of everything, and valid. */
function fullModule(): Uint8Array<ArrayBuffer> {
  return buildModule({
    before: [customSection("note", [1, 2, 3])],
    types: [
      functionType([I32, I64], [I32]),
      functionType([], []),
      functionType([I32, F64], [I32, I64]),
      functionType([I32], []),
    ],
    imports: [
      importEntry("wasi_snapshot_preview1", "call", Kind.function, unsigned(0)),
      importEntry("env", "memory", Kind.memory, limits(2, 100, SHARED)),
      importEntry("env", "table", Kind.table, [FUNCREF, ...limits(1)]),
      importEntry("env", "base", Kind.global, [I32, 0]),
      importEntry("env", "__c_longjmp", Kind.tag, [0, ...unsigned(3)]),
    ],
    functions: [
      { type: 1, code: [] },
      { type: 2, code: [0x41, 7, 0x42, 9] },
    ],
    tables: [[FUNCREF, ...limits(3, 9)]],
    tags: [[0, ...unsigned(3)]],
    globals: [
      i32Global(65_552, true),
      i64Global(-5n),
      [I32, 0, 0x23, 0, 0x0b],
      i32Global(-16),
      [F64, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b],
    ],
    exports: [
      exportEntry("_start", Kind.function, 1),
      exportEntry("pair", Kind.function, 2),
      exportEntry("again", Kind.function, 0),
      exportEntry("memory", Kind.memory, 0),
      exportEntry("own", Kind.table, 1),
      exportEntry("__stack_pointer", Kind.global, 1),
      exportEntry("wide", Kind.global, 2),
      exportEntry("copied", Kind.global, 3),
      exportEntry("high", Kind.global, 4),
      exportEntry("tag", Kind.tag, 1),
    ],
    start: 1,
    after: [
      customSection("target_features", vector([[0x2b, ...text("atomics")]])),
      customSection(
        "producers",
        vector([[...text("language"), ...vector([[...text("C11"), ...text("17")]])]]),
      ),
    ],
  });
}

/** The engine's own view, to compare with. */
function kindsByEngine(bytes: Uint8Array<ArrayBuffer>) {
  const module = new WebAssembly.Module(bytes);
  return {
    imports: WebAssembly.Module.imports(module),
    exports: WebAssembly.Module.exports(module),
  };
}

function kindsByReading(bytes: Uint8Array) {
  const description = describeModule(bytes);
  return {
    imports: description.imports.map(({ module, name, kind }) => ({ module, name, kind })),
    exports: description.exports.map(({ name, kind }) => ({ name, kind })),
  };
}

/** Engines list entries as objects with these keys; extra keys of newer engines are not compared. */
function assertAgrees(bytes: Uint8Array<ArrayBuffer>): void {
  const engine = kindsByEngine(bytes);
  assert.deepEqual(kindsByReading(bytes), {
    imports: engine.imports.map(({ module, name, kind }) => ({ module, name, kind })),
    exports: engine.exports.map(({ name, kind }) => ({ name, kind })),
  });
}

test("imports come with signatures, limits and mutability", () => {
  const { imports } = describeModule(fullModule());
  assert.deepEqual(imports, [
    {
      module: "wasi_snapshot_preview1",
      name: "call",
      kind: "function",
      type: { parameters: ["i32", "i64"], results: ["i32"] },
    },
    {
      module: "env",
      name: "memory",
      kind: "memory",
      type: { minimum: 2, maximum: 100, shared: true, memory64: false, pageSize: 65_536 },
    },
    {
      module: "env",
      name: "table",
      kind: "table",
      type: { element: "funcref", minimum: 1, maximum: undefined, table64: false },
    },
    {
      module: "env",
      name: "base",
      kind: "global",
      type: { type: "i32", mutable: false, value: undefined },
    },
    {
      module: "env",
      name: "__c_longjmp",
      kind: "tag",
      type: { parameters: ["i32"], results: [] },
    },
  ]);
});

test("exports come with types, through imports and own definitions alike", () => {
  const { exports } = describeModule(fullModule());
  const types = Object.fromEntries(exports.map((entry) => [entry.name, entry.type]));
  assert.deepEqual(types, {
    _start: { parameters: [], results: [] },
    pair: { parameters: ["i32", "f64"], results: ["i32", "i64"] },
    again: { parameters: ["i32", "i64"], results: ["i32"] },
    memory: { minimum: 2, maximum: 100, shared: true, memory64: false, pageSize: 65_536 },
    own: { element: "funcref", minimum: 3, maximum: 9, table64: false },
    __stack_pointer: { type: "i32", mutable: true, value: 65_552 },
    wide: { type: "i64", mutable: false, value: -5n },
    copied: { type: "i32", mutable: false, value: undefined },
    high: { type: "i32", mutable: false, value: -16 },
    tag: { parameters: ["i32"], results: [] },
  });
  assert.equal(exports.find((entry) => entry.name === "pair")?.index, 2);
});

test("the engine sees the same imports and exports", () => assertAgrees(fullModule()));

test("facts about the whole module", () => {
  const description = describeModule(fullModule());
  assert.equal(description.functionCount, 2);
  assert.equal(description.hasStart, true);
  assert.equal(description.isCommand, true);
  assert.equal(description.isReactor, false);
  assert.equal(description.stackPointer, 65_552);
  assert.equal(exportedGlobalValue(description, "high"), 0xffff_fff0);
  assert.equal(exportedGlobalValue(description, "copied"), undefined);
  assert.deepEqual(description.customSections, ["note", "target_features", "producers"]);
  assert.deepEqual(describeTools(fullModule()), {
    targetFeatures: ["+atomics"],
    producers: [{ field: "language", values: [{ name: "C11", version: "17" }] }],
  });
  assert.deepEqual(description.wasiModules, ["wasi_snapshot_preview1"]);
  assert.deepEqual(structuredClone(description), description);
});

test("entries, thread spawn by each of its names, and asyncify only when complete", () => {
  const spawn = (module: string, name: string) =>
    describeModule(
      buildModule({
        types: [functionType([I32], [I32])],
        imports: [importEntry(module, name, Kind.function, unsigned(0))],
      }),
    ).importsThreadSpawn;
  for (const [module, name] of [
    ["wasi", "thread-spawn"],
    ["wasi_snapshot_preview1", "thread-spawn"],
    ["wasi_unstable", "thread-spawn"],
    ["wasix_32v1", "thread_spawn"],
    ["wasix_32v1", "thread_spawn_v2"],
    ["wasix_64v1", "thread_spawn_v2"],
  ]) {
    assert.equal(spawn(module, name), true, `${module}.${name}`);
  }
  assert.equal(spawn("env", "thread-spawn"), false);
  assert.equal(spawn("wasix_32v1", "thread_spawn_v3"), false);

  const exporting = (names: string[]) =>
    describeModule(
      buildModule({
        types: [functionType([], [])],
        functions: [{ type: 0, code: [] }],
        exports: names.map((name) => exportEntry(name, Kind.function, 0)),
      }),
    );
  const asyncify = [
    "asyncify_start_unwind",
    "asyncify_stop_unwind",
    "asyncify_start_rewind",
    "asyncify_stop_rewind",
    "asyncify_get_state",
  ];
  assert.equal(exporting(asyncify).asyncify, true);
  assert.equal(exporting(asyncify.slice(1)).asyncify, false);
  const reactor = exporting(["_initialize", "wasi_thread_start"]);
  assert.equal(reactor.isReactor, true);
  assert.equal(reactor.hasThreadEntry, true);
  assert.equal(reactor.isCommand, false);
});

test("the memory is imported, exported, both or absent", () => {
  const importing = [importEntry("env", "memory", Kind.memory, limits(1, 4, SHARED))];
  const exporting = [exportEntry("memory", Kind.memory, 0)];
  const both = describeModule(buildModule({ imports: importing, exports: exporting })).memory;
  assert.equal(both.source, "both");
  assert.deepEqual(both.importName, { module: "env", name: "memory" });
  assert.equal(both.exportName, "memory");
  assert.equal(both.limits?.shared, true);
  assert.equal(describeModule(buildModule({ imports: importing })).memory.source, "imported");
  const own = describeModule(
    buildModule({
      memories: [limits(3), limits(5)],
      exports: [exportEntry("other", Kind.memory, 0), exportEntry("memory", Kind.memory, 1)],
    }),
  ).memory;
  assert.equal(own.source, "exported");
  assert.equal(own.limits?.minimum, 5);
  const none = describeModule(buildModule({ memories: [limits(3)] })).memory;
  assert.equal(none.source, "none");
  assert.equal(none.limits, undefined);
});

test("a memory of 64-bit addresses keeps large limits", () => {
  const { memories } = describeModule(buildModule({ memories: [limits(1, 2 ** 48, WIDE)] }));
  assert.deepEqual(memories, [
    { minimum: 1, maximum: 2 ** 48, shared: false, memory64: true, pageSize: 65_536 },
  ]);
});

test("a stack pointer that is not exported is found by name, or as the first global", () => {
  const globals = [i32Global(5), i32Global(4096, true)];
  const names = [...unsigned(1), ...unsigned(1), ...text("__stack_pointer")];
  const named = customSection("name", [7, ...unsigned(names.length), ...names]);
  assert.equal(describeModule(buildModule({ globals, after: [named] })).stackPointer, 4096);
  assert.equal(describeModule(buildModule({ globals })).stackPointer, undefined);
  assert.equal(
    describeModule(buildModule({ globals: [i32Global(8192, true)] })).stackPointer,
    8192,
  );
});

function readDylink(bytes: Uint8Array) {
  const { start, end } = describeModule(bytes).dylink!;
  return readDylinkSection(bytes, start, end);
}

test("dylink.0 is read whole, and refused when broken", () => {
  const part = (kind: number, content: number[]) => [kind, ...unsigned(content.length), ...content];
  const content = [
    ...part(1, [...unsigned(1000), 4, ...unsigned(7), 0]),
    ...part(2, vector([text("libfoo.so"), text("libbar.so")])),
    ...part(3, vector([[...text("exported"), ...unsigned(0x100)]])),
    ...part(4, vector([[...text("env"), ...text("weak"), 1]])),
    ...part(5, vector([text("/lib")])),
    ...part(77, [1, 2, 3]),
  ];
  const bytes = moduleOf(customSection("dylink.0", content));
  assert.equal(describeModule(bytes).isDynamic, true);
  assert.deepEqual(readDylink(bytes), {
    memorySize: 1000,
    memoryAlignment: 16,
    tableSize: 7,
    tableAlignment: 1,
    needed: ["libfoo.so", "libbar.so"],
    exports: [{ name: "exported", flags: 0x100 }],
    imports: [{ module: "env", name: "weak", flags: 1 }],
    runtimePath: ["/lib"],
  });
  for (const broken of [content.slice(0, 9), part(1, [0, 40, 0, 0]), [2, 200, 1, 9]]) {
    assert.throws(
      () => readDylink(moduleOf(customSection("dylink.0", broken))),
      (error) => error instanceof ModuleError && error.code === "ERR_DYLINK",
    );
  }
});

test("broken sections that only inform do not refuse a module", () => {
  const bytes = moduleOf(
    customSection("producers", [200, 200]),
    customSection("target_features", [2, 0x2b, 1, 0x61]),
    customSection("name", [7, 100, 1]),
  );
  assert.doesNotThrow(() => describeModule(bytes));
  assert.deepEqual(describeTools(bytes), { targetFeatures: ["+a"], producers: [] });
});

/** Types and expressions of garbage collection; valid where the engine knows them. */
function collectedModule(): Uint8Array<ArrayBuffer> {
  const structure = [0x5f, 2, 0x78, 1, 0x63, 0, 0];
  const group = [0x4e, 2, 0x50, 0, ...structure, 0x4f, 1, 0, ...structure];
  return buildModule({
    types: [group, [0x5e, 0x77, 1], [0x60, 1, 0x63, 0, 1, 0x64, 1]],
    imports: [importEntry("m", "f", Kind.function, unsigned(3))],
    tables: [[0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b]],
    globals: [
      [0x63, 0, 0, 0xd0, 0, 0x0b],
      [0x64, 2, 0, 0x41, 1, 0x41, 3, 0xfb, 6, 2, 0x0b],
      [0x64, 2, 0, 0x41, 1, 0x41, 3, 0xfb, 8, 2, 2, 0x0b],
      [0x6e, 0, 0x41, 9, 0xfb, 0x1c, 0x0b],
      [I32, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b],
    ],
    exports: [exportEntry("sum", Kind.global, 4), exportEntry("array", Kind.global, 1)],
  });
}

test("types and expressions of garbage collection are stepped over", () => {
  const { imports, exports } = describeModule(collectedModule());
  assert.deepEqual(imports[0].type, { parameters: ["(ref null 0)"], results: ["(ref 1)"] });
  assert.deepEqual(
    exports.map((entry) => entry.type),
    [
      { type: "i32", mutable: false, value: undefined },
      { type: "(ref 2)", mutable: false, value: undefined },
    ],
  );
});

test("counts and indexes beyond what is there are refused, never followed", () => {
  const type = section(1, vector([functionType([], [])]));
  const huge = unsigned(0xffff_ffff);
  const cases: Record<string, Uint8Array> = {
    "type count": moduleOf(section(1, huge)),
    "parameter count": moduleOf(section(1, [1, 0x60, ...huge])),
    "group count": moduleOf(section(1, [1, 0x4e, ...huge])),
    "import count": moduleOf(section(2, huge)),
    "name length": moduleOf(section(2, [1, ...huge])),
    "function count": moduleOf(section(3, huge)),
    "table count": moduleOf(section(4, huge)),
    "memory count": moduleOf(section(5, huge)),
    "global count": moduleOf(section(6, huge)),
    "export count": moduleOf(section(7, huge)),
    "import type": moduleOf(type, section(2, vector([importEntry("a", "b", 0, [1])]))),
    "function type": moduleOf(
      type,
      section(3, [1, 9]),
      section(7, vector([exportEntry("f", 0, 0)])),
    ),
    "export function": moduleOf(section(7, vector([exportEntry("f", 0, 0)]))),
    "export memory": moduleOf(section(7, vector([exportEntry("f", 2, 0xffff_ffff)]))),
    "export global": moduleOf(section(7, vector([exportEntry("f", 3, 0)]))),
    "export kind": moduleOf(section(7, vector([exportEntry("f", 9, 0)]))),
    "trailing bytes": moduleOf(section(5, [1, 0, 1, 0])),
    "memory flags": moduleOf(section(5, [1, 0x10, 1])),
    "endless expression": moduleOf(section(6, [1, I32, 0, ...new Array(50).fill(0x6a)])),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    assert.throws(
      () => describeModule(bytes),
      (error) => error instanceof ModuleError && error.code === "ERR_MALFORMED",
      what,
    );
  }
});

test("a module of 500,000 custom sections meets a limit", () => {
  const bytes = new Uint8Array(8 + 500_000 * 6);
  bytes.set(moduleOf());
  for (let index = 0; index < 500_000; index++) {
    // Four hexadecimal-like digits from 64 characters make each name its own.
    const digits = [0, 6, 12].map((shift) => 0x30 + ((index >> shift) & 63));
    bytes.set([0, 4, 3, ...digits], 8 + index * 6);
  }
  assert.throws(
    () => describeModule(bytes),
    (error) => error instanceof ModuleError && error.code === "ERR_MODULE_LIMIT",
  );
});

test("every byte in every place that takes a code: what the engine accepts is read", () => {
  const type = functionType([], []);
  const anyref = (...expression: number[]) => [0x6e, 0, ...expression, 0x0b];
  const places: Record<string, (byte: number) => Uint8Array<ArrayBuffer>> = {
    "value type": (byte) => buildModule({ types: [functionType([byte], [])] }),
    "heap type": (byte) => buildModule({ types: [[0x60, 1, 0x63, byte, 0]] }),
    "memory flags": (byte) => buildModule({ memories: [[byte, 1, 1]] }),
    "table flags": (byte) => buildModule({ tables: [[FUNCREF, byte, 1, 1]] }),
    "import kind": (byte) =>
      buildModule({ types: [type], imports: [importEntry("a", "b", byte, [0])] }),
    "import kind, longer": (byte) =>
      buildModule({ types: [type], imports: [importEntry("a", "b", byte, [0, 0])] }),
    "section, empty": (byte) => moduleOf([byte, 0]),
    section: (byte) => moduleOf([byte, 1, 0]),
    "type form": (byte) => moduleOf(section(1, [1, byte, 0, 0])),
    "type form, shorter": (byte) => moduleOf(section(1, [1, byte, 0])),
    "type form, one type": (byte) => moduleOf(section(1, [1, byte, 0x7f, 0])),
    "type form before another": (byte) => moduleOf(section(1, [1, byte, 0, 0x60, 0, 0])),
    "constant instruction": (byte) => buildModule({ globals: [[I32, 0, byte, 0, 0x0b]] }),
    "binary instruction": (byte) =>
      buildModule({ globals: [[I32, 0, 0x41, 0, 0x41, 0, byte, 0x0b]] }),
    "reference instruction": (byte) => buildModule({ globals: [anyref(0x41, 1, 0xfb, byte)] }),
    conversion: (byte) => buildModule({ globals: [anyref(0xd0, 0x6f, 0xfb, byte)] }),
    "structure instruction": (byte) =>
      buildModule({ types: [[0x5f, 0]], globals: [anyref(0xfb, byte, 0)] }),
    "tag attribute": (byte) => buildModule({ types: [type], tags: [[byte, 0]] }),
    mutability: (byte) => buildModule({ globals: [[I32, byte, 0x41, 0, 0x0b]] }),
  };
  for (const [place, write] of Object.entries(places)) {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = write(byte);
      const valid = WebAssembly.validate(bytes);
      try {
        describeModule(bytes);
      } catch (error) {
        assert(error instanceof ModuleError && !valid, `${place} 0x${byte.toString(16)}: ${error}`);
      }
    }
  }
});

/** Flips, overwrites, inserts, removes or cuts, one to four times. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  const below = (bound: number) => Math.floor(random() * bound);
  let list = Array.from(bytes);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = 4 + below(list.length - 4);
    const choice = below(10);
    if (choice < 4) list[at] ^= 1 << below(8);
    else if (choice < 7) list[at] = below(256);
    else if (choice === 7) list.splice(at, 0, below(256));
    else if (choice === 8) list.splice(at, 1);
    else list = list.slice(0, Math.max(9, at));
  }
  return Uint8Array.from(list);
}

test("20,000 damaged modules: a ModuleError or agreement with the engine, nothing else", () => {
  const random = seededRandom(20_250_917);
  const wholes = [fullModule(), collectedModule()];
  let accepted = 0;
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = mutate(wholes[round % 2], random);
    const valid = WebAssembly.validate(bytes);
    try {
      describeModule(bytes);
    } catch (error) {
      assert(error instanceof ModuleError, `round ${round}: ${error}`);
      assert(!valid || error.code === "ERR_DYLINK", `round ${round} is valid: ${error.message}`);
      refused++;
      continue;
    }
    if (!valid) continue;
    accepted++;
    assertAgrees(bytes);
  }
  assert(accepted > 500 && refused > 500, `${accepted} accepted, ${refused} refused`);
});

test("clang, 75 MB: the engine sees the same, and code is not looked at", () => {
  const bundle = createRequire(import.meta.url).resolve("@yowasp/clang");
  const bytes = new Uint8Array(readFileSync(join(dirname(bundle), "llvm.core.wasm")));
  assertAgrees(bytes);
  const description = describeModule(bytes);
  assert.equal(description.isCommand, true);
  assert.equal(description.memory.source, "exported");
  assert.equal(description.stackPointer, 8 * 1024 * 1024);
  assert.deepEqual(description.wasiModules, ["wasi_snapshot_preview1"]);

  let touched = 0;
  const watched = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) touched++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  assert.deepEqual(describeModule(watched), description);
  assert(touched < 500_000, `${touched} bytes were read one by one`);
});
