/** Floor 2a: the contracts of files. What the floors above use of it. */
export * from "./directory-operations.ts";
export * from "./file-operations.ts";
export * from "./filesystem.ts";
export * from "./inode.ts";
export * from "./mount.ts";
export * from "./open-file.ts";
export * from "./path.ts";
export * from "./port.ts";
export * from "./result.ts";
export * from "./transfer.ts";
export * from "./vfs.ts";
