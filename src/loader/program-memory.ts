/** The memory of a program that imports it: made once per process, shared by its instances. */
import { ModuleError } from "./module-error.ts";
import type { Program } from "./program.ts";

/** Bytes of a page of guest memory. */
export const GUEST_PAGE = 65536;

/**
 * Shared memories that an agent makes before its engine is to look for those that nobody has any more. V8 reserves 10 GB of addresses for each, counts none of that,
 * and an agent that makes hardly anything else comes to no collection by itself: after some 12,000 programs the process has no addresses left and dies.
 */
const COLLECT_AFTER = 64;

/** Bytes that V8 does count, enough that it begins to collect. They are never written to, so they take no room. */
const PRESSURE = 256 * 2 ** 20;

let made = 0;

function collectNowAndThen(): void {
  if (++made % COLLECT_AFTER !== 0) return;
  try {
    void new ArrayBuffer(PRESSURE);
  } catch {
    // There is no room for it: then the engine has just collected to make some.
  }
}

/** Makes the memory that a program imports, of so many pages at first; undefined when it brings its own. */
export function createGuestMemory(
  program: Program,
  pages = program.memoryImport?.minimum ?? 0,
): WebAssembly.Memory | undefined {
  const wanted = program.memoryImport;
  if (wanted === undefined) return undefined;
  if (wanted.shared) collectNowAndThen();
  try {
    const { maximum } = wanted;
    // A memory of 64-bit addresses counts in big integers, of which TypeScript does not know yet.
    const count = (number: number) => (program.isWide ? BigInt(number) : number) as number;
    return new WebAssembly.Memory({
      initial: count(pages),
      ...(maximum === undefined ? {} : { maximum: count(maximum) }),
      ...(wanted.shared ? { shared: true } : {}),
      ...(program.isWide ? { address: "i64" } : {}),
    });
  } catch (cause) {
    throw new ModuleError(
      "ERR_MEMORY",
      `${program.name}: the host cannot give its memory of ${pages} to ${wanted.maximum ?? "any number of"} pages${
        wanted.shared ? " (shared)" : ""
      }: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}
