// A module that napi-rs built for wasm32-wasi: its functions for JavaScript come from emnapi, WASI and threads from Weft.

import { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Machine } from "../../src/api/node.ts";

const PACKAGE = "@node-rs/argon2-wasm32-wasi";

/** The functions that emnapi has by module, and what it asks for in return. */
export interface Napi {
  readonly imports: Readonly<Record<"env" | "napi" | "emnapi", Record<string, unknown>>>;
  readonly exports: unknown;
  readonly emnapi: { addSendListener(threads: EventEmitter): void };
  readonly PThread: { pthreads: object };
  init(options: object): void;
}

/** An instance as far as emnapi uses it. */
export interface Instance {
  readonly exports: Record<string, unknown> & { __indirect_function_table?: unknown };
}

interface Emnapi {
  createNapiModule(options: object): Napi;
  getDefaultContext(): object;
  readonly plugins: readonly unknown[];
}

/** Loads the emnapi that the package was built for, which lies below it. */
export function loadEmnapi(): Emnapi {
  const require = createRequire(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  const { createNapiModule } = require("@emnapi/core") as Emnapi;
  const { getDefaultContext } = require("@emnapi/runtime") as Emnapi;
  const { asyncWork, tsfn } = require("@emnapi/core/plugins") as Record<string, unknown>;
  return { createNapiModule, getDefaultContext, plugins: [asyncWork, tsfn] };
}

/** What the module gives to JavaScript: hashes of passwords, made by as many threads as asked for. */
export interface Argon2 {
  hashSync(password: string, options: object): string;
  verifySync(hash: string, password: string): boolean;
  hash(password: string, options: object): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
}

/** Instantiates the module on a machine, and closes it after the action. */
export async function withArgon2(
  machine: Machine,
  action: (argon2: Argon2) => Promise<void>,
): Promise<void> {
  const { createNapiModule, getDefaultContext, plugins } = loadEmnapi();
  const wasm = createRequire(import.meta.url).resolve(`${PACKAGE}/argon2.wasm32-wasi.wasm`);
  const napi = createNapiModule({ context: getDefaultContext(), asyncWorkPoolSize: 0, plugins });
  const { env, napi: calls, emnapi } = napi.imports;
  // To emnapi all threads are workers that send messages; here the workers are Weft's, and one emitter stands for all.
  const threads = new EventEmitter().setMaxListeners(100);
  napi.emnapi.addSendListener(threads);
  napi.PThread.pthreads = new Proxy({}, { get: () => threads });
  const guest = await machine.instantiate(await readFile(wasm), {
    imports: { env: { ...env, ...calls, ...emnapi }, napi: calls, emnapi },
    threadImports: new URL("napi-thread.js", import.meta.url),
    onMessage: (message) => void threads.emit("message", message),
  });
  const { module, memory } = guest;
  const exports: Instance["exports"] = { ...guest.exports, memory };
  for (const [name, register] of Object.entries(exports))
    if (name === "_initialize" || name.startsWith("__napi_register__")) (register as () => void)();
  napi.init({ instance: { exports }, module, memory, table: exports.__indirect_function_table });
  await action(napi.exports as Argon2);
  await guest.close();
}
