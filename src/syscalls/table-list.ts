/** The whole table of system calls as a list in the order of the ABI: for documentation, inspection and tests. */
import { signatures, wasiUnstableNames } from "../abi/signatures.ts";
import { furtherServices } from "./further-table.ts";
import type { Syscall } from "./service.ts";
import { findSyscall, provideFurtherServices } from "./table.ts";

provideFurtherServices(furtherServices);

/** All imports, `wasi_unstable` last. */
export function listSyscalls(): readonly Syscall[] {
  const imports = [
    ...signatures().map(({ module, name }) => ({ module, name })),
    ...wasiUnstableNames().map((name) => ({ module: "wasi_unstable", name })),
  ];
  return imports.map(({ module, name }) => {
    const found = findSyscall(module, name);
    if (found === undefined) throw new Error(`the table has no ${module}.${name}`);
    return found;
  });
}
