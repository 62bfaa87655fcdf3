/** The memory of a program that imports it: made once per process, shared by its instances. */
import { ModuleError } from "./module-error.ts";
import type { Program } from "./program.ts";

/** Makes the memory that a program imports, of so many pages at first; undefined when it brings its own. */
export function createGuestMemory(
  program: Program,
  pages = program.memoryImport?.minimum ?? 0,
): WebAssembly.Memory | undefined {
  const wanted = program.memoryImport;
  if (wanted === undefined) return undefined;
  try {
    return new WebAssembly.Memory({
      initial: pages,
      ...(wanted.maximum === undefined ? {} : { maximum: wanted.maximum }),
      ...(wanted.shared ? { shared: true } : {}),
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
