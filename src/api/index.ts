/** The library's names, without those of one host: see `node.ts` and `browser.ts`. */
export { WeftError, type WeftErrorCode } from "./errors.ts";
export type { FileKind, FileStat, MachineFiles } from "./files.ts";
export type { Input } from "./input.ts";
export type { EventOptions, MachineEvent } from "./machine-event.ts";
export {
  archive,
  filesystem,
  memory,
  type Mountable,
  type MountSource,
  overlay,
  type OverlayOptions,
  readOnly,
} from "./mount-sources.ts";
export type {
  BytesSource,
  InputSource,
  LoadedProgram,
  MachineOptions,
  MountOptions,
  OutputTarget,
  ProgramSource,
  SpawnOptions,
  TerminalOptions,
} from "./options.ts";
export type { Output } from "./output.ts";
export type { JournalReport } from "./journal.ts";
export type { RestoreOptions } from "./restore.ts";
export type { SnapshotOptions } from "./snapshot.ts";
export type { Terminal, TerminalModes } from "./terminal.ts";
export type { UserFilesystem, UserFileStat } from "./user-filesystem.ts";
export { ExitError, type Process } from "./process.ts";
export type { ProcessResult } from "./process-result.ts";
