/** Why a module that can be linked is no program that Weft runs, in words. */
import type { ModuleDescription } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";
import { hasWideMemories, isWideProgram, wrongEntryOf } from "./program.ts";

/**
 * Says it.
 *
 * @param isGiven whether the host program gives it functions, so that it need have no entry
 * @returns a sentence that begins with `name`; undefined where there is nothing to say
 */
export function tellUnfit(
  description: ModuleDescription,
  name: string,
  isGiven: boolean,
): ModuleError | undefined {
  if (description.isDynamic)
    return new ModuleError(
      "ERR_DYNAMIC",
      `${name} is dynamically linked (it has a dylink.0 section): Weft runs static programs so far`,
    );
  if (description.isObjectFile)
    return new ModuleError(
      "ERR_NO_ENTRY",
      `${name} is an object file: it was compiled but not linked; link it into a program first`,
    );
  if (!description.isCommand && !description.isReactor && !isGiven)
    return new ModuleError(
      "ERR_NO_ENTRY",
      `${name} exports neither _start nor _initialize: it is no program (link it without -shared or --no-entry)`,
    );
  if (isWideProgram(description) && !hasWideMemories())
    return new ModuleError(
      "ERR_WIDE_MEMORY",
      `${name} has a 64-bit memory, which this engine does not know: run it in Node 24 or Chromium 133 or later, or build it for wasm32`,
    );
  const wrong = wrongEntryOf(description);
  return (
    wrong &&
    new ModuleError(
      "ERR_ENTRY",
      `${name} exports ${wrong.entry} as ${wrong.given}, which must be ${wrong.wanted}`,
    )
  );
}
