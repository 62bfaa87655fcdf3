/**
 * Where the main thread of a statically linked module has its stack. Linkers lay it before the data (lower end 0) or
 * after it (lower end `__data_end`), and say so only through exported globals.
 *
 * Source: the reference runtime's rules, `WasiMemoryLayout`.
 */
import type { StackLayout } from "../kernel/index.ts";
import { exportedGlobalValue, type ModuleDescription } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";

/** Where linkers end the stack of a module that says nothing. */
const DEFAULT_STACK_UPPER = 1024 * 1024;

/**
 * The main thread's stack in a static module (a dynamic one gets its stack from the linker). Throws ModuleError with code
 * ERR_STACK when the module says that its stack ends at address 0.
 *
 * @param dataEnd the lower end where no symbol tells one
 */
export function mainStackLayout(description: ModuleDescription, dataEnd = 0): StackLayout {
  const upper =
    exportedGlobalValue(description, "__stack_high") ??
    description.stackPointer ??
    DEFAULT_STACK_UPPER;
  if (upper === 0) {
    throw new ModuleError("ERR_STACK", "the module places its stack at address 0: it has no room");
  }
  const told =
    exportedGlobalValue(description, "__stack_low") ??
    exportedGlobalValue(description, "__data_end") ??
    0;
  const lower = told > 0 && told < upper ? told : dataEnd;
  const tlsBase = exportedGlobalValue(description, "__tls_base") ?? 0;
  return { upper, lower, size: upper - lower, guard: 0, tlsBase };
}
