/** The memory of a program that imports it: made once per process, shared by its instances. */
import { ModuleError } from "./module-error.ts";
import type { Program } from "./program.ts";

/** Bytes of a page of guest memory. */
export const GUEST_PAGE = 65536;

/** Makes the memory that a program imports, of so many pages at first; undefined when it brings its own. */
export function createGuestMemory(
  program: Program,
  pages = program.memoryImport?.minimum ?? 0,
): WebAssembly.Memory | undefined {
  const wanted = program.memoryImport;
  if (wanted === undefined) return undefined;
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
