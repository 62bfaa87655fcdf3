/** The memory of a program that imports it: made once per process, shared by its instances. */
import { ModuleError } from "./module-error.ts";
import type { Program } from "./program.ts";

/** Makes the memory that a program imports; undefined when it brings its own. */
export function createGuestMemory(program: Program): WebAssembly.Memory | undefined {
  const wanted = program.memoryImport;
  if (wanted === undefined) return undefined;
  try {
    const { minimum, maximum } = wanted;
    // A memory of 64-bit addresses counts in big integers, of which TypeScript does not know yet.
    const count = (pages: number) => (program.isWide ? BigInt(pages) : pages) as number;
    return new WebAssembly.Memory({
      initial: count(minimum),
      ...(maximum === undefined ? {} : { maximum: count(maximum) }),
      ...(wanted.shared ? { shared: true } : {}),
      ...(program.isWide ? { address: "i64" } : {}),
    });
  } catch (cause) {
    throw new ModuleError(
      "ERR_MEMORY",
      `${program.name}: the host cannot give its memory of ${wanted.minimum} to ${wanted.maximum ?? "any number of"} pages${
        wanted.shared ? " (shared)" : ""
      }: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}
