/** Why a module that can be linked is no program that Weft runs, in words. */
import type { ModuleDescription } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";
import { hasWideMemories, isWideProgram, wrongEntryOf } from "./program.ts";

/**
 * Says it.
 *
 * @param name what messages call the module; @param isGiven whether the host program gives it functions, so that it need have no entry
 */
export function tellUnfit(
  description: ModuleDescription,
  name: string,
  isGiven: boolean,
): ModuleError {
  if (description.isDynamic)
    return new ModuleError(
      "ERR_DYNAMIC",
      `${name} is dynamically linked (it has a dylink.0 section): Weft runs static programs so far`,
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
  const { entry, given, wanted } = wrongEntryOf(description)!;
  return new ModuleError(
    "ERR_ENTRY",
    `${name} exports ${entry} as ${given}, which must be ${wanted}`,
  );
}
