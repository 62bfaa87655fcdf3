/**
 * Filesystems that a library user writes in TypeScript: the code runs in the host program's thread, and programs on other threads ask it through the kernel
 * heap. See `port.ts` (what is asked), `request.ts` (how), `node.ts`, `filesystem.ts`, `file.ts`.
 */
import { Filetype } from "../../abi/enums.ts";
import type { Kernel } from "../../kernel/index.ts";
import {
  dropInode,
  FilesystemId,
  Mount,
  MountFlags,
  OperationsId,
  type Vfs,
} from "../../vfs/index.ts";
import { UserDirectory, UserFile } from "./file.ts";
import { Userfs } from "./filesystem.ts";
import { makeNode } from "./node.ts";
import type { UserAnswers } from "./port.ts";
import { UserMount } from "./request.ts";

export { type UserAnswer, type UserAnswers, UserOperation, type UserQuestion } from "./port.ts";
export { answerRequest, freeRequest, takeRequest } from "./request.ts";

/**
 * Gives an agent the code for users' filesystems. Every agent does so once, before it meets one; the host's does it again with what answers directly.
 */
export function installUserfs(kernel: Kernel, direct?: UserAnswers): void {
  const filesystem = new Userfs(kernel, direct);
  kernel.vfs.addFilesystem(FilesystemId.userfs, filesystem);
  kernel.vfs.addOperations(OperationsId.userFile, new UserFile(filesystem));
  kernel.vfs.addOperations(OperationsId.userDirectory, new UserDirectory(filesystem));
}

/** Makes a mount, ready for `addMount`, whose number is what questions name; 0 when the kernel heap is full. */
export function createUserfs({ memory }: Vfs, readOnly: boolean): number {
  const mount = Mount.allocate(memory);
  const state = mount === 0 ? 0 : UserMount.allocate(memory);
  const root = state === 0 ? 0 : makeNode(memory, mount, Filetype.DIRECTORY, new Uint8Array(0));
  if (root === 0) {
    if (state !== 0) UserMount.free(memory, state);
    if (mount !== 0) Mount.free(memory, mount);
    return 0;
  }
  Mount.filesystem.set(memory, mount, FilesystemId.userfs);
  Mount.flags.set(memory, mount, readOnly ? MountFlags.readOnly : 0);
  Mount.state.set(memory, mount, state);
  Mount.root.set(memory, mount, root);
  return mount;
}

/** Frees a mount: under the same conditions as `destroyTmpfs`. */
export function destroyUserfs(vfs: Vfs, mount: number): void {
  const { memory } = vfs;
  dropInode(vfs, Mount.root.get(memory, mount));
  UserMount.free(memory, Mount.state.get(memory, mount));
  const covered = Mount.covered.get(memory, mount);
  Mount.free(memory, mount);
  if (covered !== 0) dropInode(vfs, covered);
}
