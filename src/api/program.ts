/** Getting a program: reading its bytes from wherever they are, checking, compiling. */
import type { Host } from "../hosts/port.ts";
import { ModuleError } from "../loader/module-error.ts";
import { mayLeaveCarriers, mayShareCarriers, MOST_PAGES, type Program } from "../loader/program.ts";
import { GUEST_PAGE } from "../loader/program-memory.ts";
import { canSuspendStacks } from "../loader/suspension.ts";
import { WeftError } from "./errors.ts";
import type { BytesSource, LoadedProgram } from "./options.ts";

/** The last part of a path or URL. */
function baseName(location: string): string {
  const path = location.replace(/[?#].*$/, "");
  return path.slice(path.lastIndexOf("/") + 1) || "program.wasm";
}

/** The pages of 64 KiB that a limit in bytes allows. */
export function pagesOf(maxMemory: number | undefined): number {
  return maxMemory === undefined
    ? MOST_PAGES
    : Math.min(MOST_PAGES, Math.max(1, Math.floor(maxMemory / GUEST_PAGE)));
}

/** Reads the bytes of a source. @throws WeftError: ERR_PROGRAM_NOT_FOUND, ERR_OPTION */
export async function readSource(
  host: Host,
  source: BytesSource,
): Promise<{ bytes: Uint8Array; name: string }> {
  const isLocation = typeof source === "string" || source instanceof URL;
  try {
    if (isLocation)
      return { bytes: await host.readFile(String(source)), name: baseName(String(source)) };
    const given = await source;
    if (given instanceof Uint8Array) return { bytes: given, name: "program.wasm" };
    if (given instanceof ArrayBuffer) return { bytes: new Uint8Array(given), name: "program.wasm" };
    if (typeof given?.arrayBuffer !== "function")
      throw new WeftError(
        "ERR_OPTION",
        "a program is a path, a URL, bytes, a Response, or what load made of one (not a WebAssembly.Module)",
      );
    if (!given.ok) throw new Error(`${given.url} answered ${given.status} ${given.statusText}`);
    return { bytes: new Uint8Array(await given.arrayBuffer()), name: baseName(given.url) };
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw new WeftError(
      "ERR_PROGRAM_NOT_FOUND",
      `cannot read the program${isLocation ? ` ${String(source)}` : ""}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** An error of the loader or the engine as the library's own. */
export function programError(name: string, cause: unknown): WeftError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WeftError(
    "ERR_PROGRAM_INVALID",
    cause instanceof ModuleError
      ? reason.startsWith(name)
        ? reason
        : `${name}: ${reason}`
      : `${name} does not compile: ${reason}`,
    {
      cause,
    },
  );
}

/** Reads, checks and compiles a program. @param keep is given the bytes */
export async function loadProgram(
  host: Host,
  source: BytesSource,
  maxMemory: number | undefined,
  givenName?: string,
  keep?: (program: Program, name: string, bytes: Uint8Array) => void,
): Promise<LoadedProgram> {
  const { bytes, name: ownName } = await readSource(host, source);
  const name = givenName ?? ownName;
  const pages = pagesOf(maxMemory);
  try {
    const program = await host.load(bytes, name, pages);
    keep?.(program, name, bytes);
    // Stacks that the engine suspends are no data: the threads of programs that may be put into snapshots leave their workers by asyncify.
    if (keep !== undefined && mayLeaveCarriers(program)) return { name, program };
    return withSharing(host, bytes, pages, { name, program });
  } catch (cause) {
    throw programError(name, cause);
  }
}

/** A loaded program that can be compiled once more for workers that its threads share, where the engine and the program allow it. */
export function withSharing(
  host: Host,
  bytes: Uint8Array,
  pages: number,
  loaded: LoadedProgram,
): LoadedProgram {
  if (!canSuspendStacks || !mayShareCarriers(loaded.program)) return loaded;
  let shared: Promise<Program | undefined> | undefined;
  const shareable = () => (shared ??= host.loadShareable(bytes, loaded.name, pages));
  return { ...loaded, shareable };
}
