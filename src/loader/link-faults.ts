/** The check before instantiation: can every import of a module be given? `link-check.ts` has the words for what cannot. */
import { WIDE_MODULE } from "../abi/call-types.ts";
import type { ModuleDescription, ModuleImport } from "./module-description.ts";
import type { FunctionType } from "./wasm-types.ts";

/** The functions that can be given, by `module.name`. A map is one. */
export interface KnownImports {
  get(name: string): FunctionType | undefined;
  /** Every name, for suggestions. */
  keys(): Iterable<string>;
}

/** An import that cannot be given. */
export interface LinkFault {
  readonly entry: ModuleImport;
  readonly reason: "missing" | "signature" | "unsupported";
  /** Why a memory cannot be given. */
  readonly refusal?: string;
  /** Whether the memory has 64-bit addresses, where the import is for the other kind. */
  readonly isWide?: boolean;
  /** What would be given, where the signature is another. */
  readonly expected?: FunctionType;
}

function sameTypes(first: readonly string[], second: readonly string[]): boolean {
  return first.length === second.length && first.every((type, index) => type === second[index]);
}

/**
 * Lists every import that cannot be given, in the module's order; empty when the module can be linked. Functions must be in
 * `known` with the same signature. One 32-bit memory of usual pages can be given; tables, globals and tags cannot, except
 * to a dynamically linked module, whose imports from `env` and `GOT.*` are the linker's to resolve.
 */
export function findLinkFaults(
  description: ModuleDescription,
  known: KnownImports,
  given?: ReadonlySet<string>,
): LinkFault[] {
  const faults: LinkFault[] = [];
  const { wasiModules } = description;
  const isWide = description.memory.limits?.memory64 === true;
  let memories = 0;
  for (const entry of description.imports) {
    if (entry.kind === "memory") {
      const refusal =
        memories++ > 0
          ? "a module can be given only one memory"
          : entry.type.pageSize !== 65_536
            ? "a memory with pages of another size cannot be given"
            : undefined;
      if (refusal) faults.push({ entry, reason: "unsupported", refusal });
      continue;
    }
    if (entry.kind === "function" && given?.has(`${entry.module}.${entry.name}`)) continue;
    if (description.isDynamic && /^(?:env|GOT\.mem|GOT\.func)$/.test(entry.module)) continue;
    if (isWide !== (entry.module === WIDE_MODULE) && wasiModules.includes(entry.module)) {
      faults.push({ entry, reason: "unsupported", isWide });
      continue;
    }
    const expected = known.get(`${entry.module}.${entry.name}`);
    if (expected === undefined) faults.push({ entry, reason: "missing" });
    else if (
      entry.kind !== "function" ||
      !sameTypes(entry.type.parameters, expected.parameters) ||
      !sameTypes(entry.type.results, expected.results)
    ) {
      faults.push({ entry, reason: "signature", expected });
    }
  }
  return faults;
}
