/**
 * The few names of the JavaScript platform that the host-neutral floors use: they exist in every host,
 * but TypeScript only declares them in its DOM, worker and Node libraries, which these floors must not see.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: ArrayBufferView | ArrayBufferLike);
    private readonly brand: undefined;
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  type AnyFunction = (...parameters: never[]) => unknown;
  /** JavaScript Promise Integration: undefined where the engine has none (before Node 25 and Chromium 137). Declared here, so that the bundler leaves the names as they are. */
  const Suspending: (new (callee: AnyFunction) => object) | undefined;
  const promising:
    ((callee: AnyFunction) => (...parameters: (number | bigint)[]) => Promise<unknown>) | undefined;
  interface MemoryDescriptor {
    initial: number;
    maximum?: number;
    shared?: boolean;
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    constructor(descriptor: { element: "anyfunc"; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
    grow(count: number): number;
  }
  class Global {
    constructor(descriptor: { value: string; mutable?: boolean }, value?: unknown);
    value: unknown;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
  function compile(bytes: ArrayBufferView | ArrayBufferLike): Promise<Module>;
  function validate(bytes: ArrayBufferView | ArrayBufferLike): boolean;
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: ArrayBufferView | ArrayBufferLike): string;
}

declare function queueMicrotask(callback: () => void): void;
