/**
 * What Node tells of files, as the kernel wants it: 64-bit numbers in halves, types as the ABI numbers them; and times on their way back.
 */
import * as fs from "node:fs";
import type { BigIntStats } from "node:fs";
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import type { HostStat } from "../../fs/hostfs/index.ts";
import type { Times } from "../../vfs/index.ts";
import { errnoOf } from "./errno.ts";
import type { Path } from "./file-path.ts";

const { constants, lstatSync } = fs;
const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFSOCK } = constants;

/** Options for exact numbers, and no exception for what is missing. */
export const EXACT = { bigint: true, throwIfNoEntry: false } as const;
/** The same for descriptors. */
export const EXACT_OPEN = { bigint: true } as const;

/** libuv 1.51 and later leave a time alone that is no number, which Node only lets through as a date. */
const LEAVE_ALONE = isAtLeast(process.versions.uv, 1, 51) ? new Date(NaN) : undefined;

/** Describes a name without following a link. A missing one costs no exception. */
export function statPath(path: Path, into: HostStat): number {
  try {
    const stats = lstatSync(path, EXACT);
    return stats === undefined ? -Errno.ENOENT : fillStat(stats, into);
  } catch (error) {
    return errnoOf(error);
  }
}

/** Takes 64-bit numbers apart: written as whole numbers, read as halves. */
const wholes = new BigInt64Array(8);
const halves = new Uint32Array(wholes.buffer);

/** Takes over what Node has found. */
export function fillStat(stats: BigIntStats, into: HostStat): number {
  wholes[0] = stats.dev;
  wholes[1] = stats.ino;
  wholes[2] = stats.mode;
  wholes[3] = stats.nlink;
  wholes[4] = stats.size;
  wholes[5] = stats.atimeNs;
  wholes[6] = stats.mtimeNs;
  wholes[7] = stats.ctimeNs;
  into.deviceLow = halves[0];
  into.deviceHigh = halves[1];
  into.inodeLow = halves[2];
  into.inodeHigh = halves[3];
  into.type = typeOfMode(halves[4]);
  into.links = halves[6];
  into.size = halves[9] * 2 ** 32 + halves[8];
  into.accessedLow = halves[10];
  into.accessedHigh = halves[11];
  into.modifiedLow = halves[12];
  into.modifiedHigh = halves[13];
  into.changedLow = halves[14];
  into.changedHigh = halves[15];
  return 0;
}

/** The `Filetype` that a mode tells. The ABI has no number for a named pipe. */
export function typeOfMode(mode: number): number {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return Filetype.REGULAR_FILE;
    case S_IFDIR:
      return Filetype.DIRECTORY;
    case S_IFLNK:
      return Filetype.SYMBOLIC_LINK;
    case S_IFCHR:
      return Filetype.CHARACTER_DEVICE;
    case S_IFBLK:
      return Filetype.BLOCK_DEVICE;
    case S_IFSOCK:
      return Filetype.SOCKET_STREAM;
    default:
      return Filetype.UNKNOWN;
  }
}

/** Sets the times that are asked for and leaves the other as it is. */
export function setTimes(
  times: Times,
  look: () => BigIntStats,
  set: (accessed: number | Date, modified: number | Date) => void,
): number {
  const { setAccessed, setModified } = times;
  try {
    const now = (setAccessed && setModified) || LEAVE_ALONE !== undefined ? undefined : look();
    const accessed = setAccessed
      ? join64(times.accessedLow, times.accessedHigh)
      : now && now.atimeNs;
    const modified = setModified
      ? join64(times.modifiedLow, times.modifiedHigh)
      : now && now.mtimeNs;
    set(toHostTime(accessed), toHostTime(modified));
    return 0;
  } catch (error) {
    return errnoOf(error);
  }
}

function join64(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/**
 * Nanoseconds as the seconds that Node takes: a floating-point number, exact to a quarter of a microsecond. It is never rounded into the
 * microsecond before, as older versions of libuv drop what is less.
 */
function toHostTime(nanoseconds: bigint | undefined): number | Date {
  if (nanoseconds === undefined) return LEAVE_ALONE!;
  const whole = Number(nanoseconds / 1_000_000_000n);
  const rest = Number(nanoseconds % 1_000_000_000n);
  let seconds = whole + rest / 1e9;
  for (let tries = 0; tries < 3; tries++) {
    if (Math.floor((seconds - whole) * 1e6) >= Math.floor(rest / 1e3)) break;
    seconds *= 1 + 2 ** -52;
  }
  return seconds;
}

/** Whether a version is at least the one given. */
function isAtLeast(version: string, major: number, minor: number): boolean {
  const [first, second] = version.split(".").map(Number);
  return first > major || (first === major && second >= minor);
}
