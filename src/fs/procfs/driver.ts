/** The code that serves `/proc`. */
import type { Kernel } from "../../kernel/index.ts";
import { FilesystemId, OperationsId } from "../../vfs/index.ts";
import { Procfs } from "./filesystem.ts";
import { ProcDirectoryOperations, ProcFileOperations } from "./operations.ts";

/** Gives an agent the code for `/proc`. Every agent does so once, when it meets one. */
export function installProcfs(kernel: Kernel): void {
  const { vfs } = kernel;
  vfs.addFilesystem(FilesystemId.procfs, new Procfs(kernel));
  vfs.addOperations(OperationsId.procFile, new ProcFileOperations());
  vfs.addOperations(OperationsId.procDirectory, new ProcDirectoryOperations(kernel));
}
