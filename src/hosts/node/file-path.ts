/**
 * How names in directories of the host are written as paths for Node.
 */
import { readlinkSync } from "node:fs";
import type { HostPlace } from "../../fs/hostfs/index.ts";
import type { Name } from "../../vfs/index.ts";

export type Path = string | Buffer;

/**
 * Where Linux shows this process's descriptors. By the process's own number, which saves the host the link `self` at each call, if that is also its number where
 * `/proc` was mounted.
 */
const DESCRIPTORS = (() => {
  try {
    const { pid } = process;
    return readlinkSync("/proc/self") === String(pid) ? `/proc/${pid}/fd/` : "/proc/self/fd/";
  } catch {
    return "/proc/self/fd/";
  }
})();

const descriptorPaths: string[] = [];

/** The path of what a descriptor of this process has open. Linux. */
export function descriptorPath(descriptor: number): string {
  // As bytes first: a text that was put together would be copied at each call.
  return (descriptorPaths[descriptor] ??= Buffer.from(DESCRIPTORS + descriptor).toString("latin1"));
}

/** The last paths, by a hash of their name: most calls are on a name that was named just before, and making the text takes as long as a call of the host. */
const RECENT = 256;
interface RecentPath {
  /** How the directory was addressed. */
  readonly descriptor: number;
  readonly directory: string;
  readonly text: string;
}
const recent: (RecentPath | undefined)[] = [];

/** Characters of a directory's path that can be put before a name in `scratch`, at three bytes each. */
const LONGEST_PREFIX = 4096;
const scratch = Buffer.allocUnsafeSlow(3 * LONGEST_PREFIX + 256);
/** What is before the name in `scratch`: how the directory is addressed, bytes, and whether each is a character. */
let prefixDescriptor = -1;
let prefixDirectory = "";
let prefixBytes = 0;
let prefixIsAscii = true;

/** The path of a name in a directory: text where it is ASCII, bytes otherwise. */
export function pathOf(place: HostPlace, name: Name): Path {
  const { bytes, start, length } = name;
  let hash = length;
  for (let index = start; index < start + length; index++) {
    hash = (Math.imul(hash, 31) + bytes[index]) | 0;
  }
  const slot = (hash ^ (hash >>> 16)) & (RECENT - 1);
  const known = recent[slot];
  if (known !== undefined && isPathOf(known, place, name)) return known.text;
  let isAscii = true;
  for (let index = start; index < start + length; index++) isAscii &&= bytes[index] < 0x80;
  if (!isAscii || place.path.length >= LONGEST_PREFIX)
    return Buffer.concat([Buffer.from(prefixOf(place)), bytes.slice(start, start + length)]);
  if (prefixDescriptor !== place.descriptor || prefixDirectory !== place.path) {
    const prefix = prefixOf(place);
    prefixDescriptor = place.descriptor;
    prefixDirectory = place.path;
    prefixBytes = scratch.write(prefix);
    prefixIsAscii = prefixBytes === prefix.length;
  }
  let end = prefixBytes;
  for (let index = start; index < start + length; index++) scratch[end++] = bytes[index];
  const text = scratch.toString(prefixIsAscii ? "latin1" : "utf8", 0, end);
  recent[slot] = { descriptor: place.descriptor, directory: place.path, text };
  return text;
}

/** Whether a path is that of a name in a directory. It ends with the name, which is ASCII, and what is before it follows from the directory. */
function isPathOf({ descriptor, directory, text }: RecentPath, place: HostPlace, name: Name) {
  const { bytes, start, length } = name;
  if (directory !== place.path || (directory === "" && descriptor !== place.descriptor)) {
    return false;
  }
  const before = text.length - length;
  if (text.charCodeAt(before - 1) !== 0x2f) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(before + index) !== bytes[start + index]) return false;
  }
  return true;
}

function prefixOf(place: HostPlace): string {
  return place.path === "" ? `${descriptorPath(place.descriptor)}/` : withSlash(place.path);
}

/** The path of a directory itself: through its descriptor when there is one, as a path's last name could be swapped. */
export function directoryPathOf(place: HostPlace): string {
  return place.descriptor >= 0 ? descriptorPath(place.descriptor) : place.path;
}

/** Only roots of the host end with a slash. */
export function withSlash(path: string): string {
  return path.endsWith("/") || path.endsWith("\\") ? path : `${path}/`;
}

/**
 * Whether a name is nothing but a name on this system. Windows takes more characters for separators, a colon for a stream or a drive, and
 * strips dots and blanks at the end.
 */
export function isPlain(name: Name): boolean {
  if (process.platform !== "win32") return true;
  const { bytes, start, length } = name;
  const last = bytes[start + length - 1];
  if (last === 0x20 || last === 0x2e) return false;
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index];
    if (byte < 0x20 || byte === 0x3a || byte === 0x5c) return false;
  }
  return true;
}
