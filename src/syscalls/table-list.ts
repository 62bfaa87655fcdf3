/** The table of system calls as a list in the order of the ABI: for documentation and tests. A file of its own, as a run needs no list of signatures. */
import { signatures, wasiUnstableNames } from "../abi/signatures.ts";
import { findSyscall, type Syscall } from "./table.ts";

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
