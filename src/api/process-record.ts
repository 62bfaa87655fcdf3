/** The kernel's record of a process that the host program starts. */
import { Errno } from "../abi/errno.ts";
import {
  createProcess,
  type Kernel,
  KernelRoot,
  makeStringList,
  packStrings,
} from "../kernel/index.ts";
import { dropInode } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import type { SpawnOptions } from "./options.ts";

/**
 * Makes a process's record, with a count for the caller: arguments, environment, working directory, and the descriptor 3 for `/`.
 *
 * @param programName what the program is called where the options do not say
 * @throws WeftError: ERR_OPTION, ERR_LIMIT, and what finding the directory throws
 */
export function createRecord(
  kernel: Kernel,
  tree: GuestTree,
  programName: string,
  { name, args, env, cwd = "/" }: SpawnOptions,
): number {
  const { memory, root, vfs } = kernel;
  const strings = [name ?? programName, ...(args ?? [])];
  const environment = Object.entries(env ?? {}).map(([variable, value]) => {
    if (variable === "" || variable.includes("="))
      throw new WeftError(
        "ERR_OPTION",
        `env: ${JSON.stringify(variable)} is no name of a variable`,
      );
    return `${variable}=${value}`;
  });
  const bad = [...strings, ...environment].find((text) => text.includes("\0"));
  if (bad !== undefined)
    throw new WeftError("ERR_OPTION", `args and env: ${JSON.stringify(bad)} holds a NUL character`);
  const workingDirectory = tree.findDirectory(cwd);
  const record = createProcess(kernel, {
    arguments: makeStringList(memory, packStrings(strings)),
    environment: makeStringList(memory, packStrings(environment)),
    rootDirectory: KernelRoot.rootInode.get(memory, root),
    workingDirectory,
    workingPath: new TextEncoder().encode(cwd),
    session: 0,
  });
  dropInode(vfs, workingDirectory);
  if (record < 0) {
    const errno = record === -Errno.EAGAIN ? "EAGAIN" : "ENOMEM";
    throw new WeftError("ERR_LIMIT", `no process could be made: ${errno}`, { errno });
  }
  return record;
}
