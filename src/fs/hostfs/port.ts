/**
 * What a host directory needs from the machine that runs us: one call for each thing that is done to one name in one directory.
 *
 * Answers are numbers: zero or more, or a negated errno of the ABI. Nothing follows a symbolic link in the place of the name, and no call
 * waits for anything but the disk. Every agent has its own port; descriptors are numbers that are good in all agents of a machine.
 */
import { type Name, Stat, type Times, type Transfer } from "../../vfs/index.ts";

/** A directory of the host, as an argument: filled anew for each call, never kept. */
export class HostPlace {
  /** Its open descriptor, which is what it is whatever happens to its names; -1 where the host cannot act inside an open directory. */
  descriptor = -1;
  /** Its path, to be used as it stands; empty: by the descriptor alone. */
  path = "";
}

/** What the host tells of a file. `device` is left to the filesystem, which knows the mount. */
export class HostStat extends Stat {
  /** The host's number of the device, which together with the inode number identifies a file. */
  deviceLow = 0;
  deviceHigh = 0;
}

/** Bits of `Fdflags` and `Open`, as `openAt` gets them, are those of the contract of filesystems. */
export interface HostFiles {
  /**
   * Whether names are looked up inside open directories, so that nothing that happens to the directories' own names can lead
   * a call elsewhere. Without it a directory is its path, looked at before each call: whoever renames directories on the host at the
   * wrong moment can mislead a call.
   */
  readonly pins: boolean;

  /** The real path of a directory of the host, all symbolic links resolved. */
  resolve(path: string | Uint8Array): Uint8Array | number;
  /** A path as text; empty when its bytes are no UTF-8, so that text cannot say it. */
  text(path: Uint8Array): string;
  /** The path of a name in the directory with a path: for hosts that do not pin. */
  join(directory: string, name: Name): Uint8Array | number;

  /** Opens a file for reading by its path, links in it followed: for what the host program itself names. */
  openPath(path: string): number;
  /** Opens the directory at a real path, only to act inside it. Pinning hosts. */
  openRoot(path: Uint8Array): number;
  /** Opens a directory, only to act inside it: ENOTDIR for anything else, a symbolic link too. Pinning hosts. */
  openDirectoryAt(place: HostPlace, name: Name): number;
  /** Opens the directory that an open directory has its name in. Pinning hosts. */
  openParent(descriptor: number): number;
  /** Describes the directory `levels` above an open directory. Pinning hosts. */
  statAncestor(descriptor: number, levels: number, into: HostStat): number;
  /**
   * Opens a file, or a directory for reading.
   *
   * @param request bits of `Open`; @param flags `Fdflags`: append and the kinds of sync are looked at
   * @returns a descriptor; ELOOP for a symbolic link (ENOTDIR when a directory was asked for)
   */
  openAt(place: HostPlace, name: Name, request: number, flags: number): number;
  /** Opens once more what a descriptor has open for appending, to write at any place. */
  openForWriting(descriptor: number): number;
  /** The path of what a descriptor has open; empty where it has none any more, or none that is text. Pinning hosts. */
  whereIs(descriptor: number): string;
  /** Whether the path of an open directory is this one now, every name in it a directory's own. Pinning hosts. */
  isAt(descriptor: number, path: string): boolean;
  close(descriptor: number): void;

  statAt(place: HostPlace, name: Name, into: HostStat): number;
  statDirectory(place: HostPlace, into: HostStat): number;
  statDescriptor(descriptor: number, into: HostStat): number;
  /** The `Filetype` of what a descriptor has open: cheaper than all that `statDescriptor` tells. */
  typeOf(descriptor: number): number;

  setTimesAt(place: HostPlace, name: Name, times: Times): number;
  setDirectoryTimes(place: HostPlace, times: Times): number;
  setDescriptorTimes(descriptor: number, times: Times): number;

  makeDirectoryAt(place: HostPlace, name: Name): number;
  symlinkAt(place: HostPlace, name: Name, target: Uint8Array): number;
  readlinkAt(place: HostPlace, name: Name, into: Uint8Array): number;
  unlinkAt(place: HostPlace, name: Name): number;
  removeDirectoryAt(place: HostPlace, name: Name): number;
  renameAt(from: HostPlace, fromName: Name, to: HostPlace, toName: Name): number;
  linkAt(from: HostPlace, fromName: Name, to: HostPlace, toName: Name): number;
  /** The names in a directory, without `.` and `..`, in the host's order: a character for each byte. */
  list(place: HostPlace): readonly string[] | number;
  syncDirectory(place: HostPlace): number;

  /** Reads into one or several buffers of a rewound transfer. */
  read(descriptor: number, into: Transfer, position: number): number;
  /** Writes a rewound transfer in one go; `position` below zero: at the end, for a descriptor that was opened for appending. */
  write(descriptor: number, from: Transfer, position: number): number;
  setSize(descriptor: number, size: number): number;
  sync(descriptor: number, dataOnly: boolean): number;
}
