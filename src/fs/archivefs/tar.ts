/**
 * Reading the index of a tar archive: ustar (POSIX.1-1988), pax (POSIX.1-2001) and GNU's long names and large numbers.
 *
 * A later entry of the same name replaces an earlier one, which is how files are added to a tar archive. Devices and pipes are left out.
 */
import { ArchiveError, quote } from "./archive-error.ts";
import type { ArchiveReader } from "./reader.ts";
import type { TreeBuilder } from "./tree-builder.ts";

const BLOCK = 512;
/** Most bytes of a long name or a pax header. */
const LONGEST_HEADER = 2 ** 20;

/** What pax headers and long names say of the next entry. */
interface Overrides {
  path?: Uint8Array | undefined;
  linkPath?: Uint8Array | undefined;
  size?: number | undefined;
  modified?: number | undefined;
}

const decoder = new TextDecoder();

/** Whether the first block is a tar header, or the end of an archive without entries. */
export function isTar(reader: ArchiveReader): boolean {
  if (reader.size < BLOCK) return false;
  const first = reader.read(0, BLOCK);
  return hasChecksum(first) || first.every((byte) => byte === 0);
}

/** Adds every entry to a tree. @throws ArchiveError */
export function readTar(reader: ArchiveReader, tree: TreeBuilder): void {
  let overrides: Overrides = {};
  let global: Overrides = {};
  for (let position = 0; position < reader.size;) {
    const header = reader.read(position, BLOCK);
    if (header.every((byte) => byte === 0)) return;
    if (!hasChecksum(header))
      throw new ArchiveError(`there is no header of an entry at byte ${position}`);
    position += BLOCK;
    const type = String.fromCharCode(header[156]);
    const isLink = type === "1" || type === "2";
    const entry = { ...global, ...overrides };
    const path = entry.path ?? pathOf(header);
    const declared = "xgLK".includes(type)
      ? readNumber(header, 124, 12)
      : (entry.size ?? readNumber(header, 124, 12));
    // Some programs write the size of the file that a link leads to, without its bytes.
    const size = isLink || "3456".includes(type) ? 0 : declared;
    if (!Number.isSafeInteger(size) || size < 0)
      throw new ArchiveError(`${quote(path)} has no possible size`);
    if (position + size > reader.size) {
      throw new ArchiveError(
        `it is cut off: ${quote(path)} should have ${size} bytes, and ${reader.size - position} are left`,
      );
    }
    const start = position;
    position += Math.ceil(size / BLOCK) * BLOCK;
    if ("xgLK".includes(type)) {
      if (size > LONGEST_HEADER) throw new ArchiveError(`a header of ${size} bytes is absurd`);
      const bytes = reader.read(start, size);
      if (type === "g") global = { ...global, ...readPax(bytes) };
      else if (type === "x") overrides = { ...overrides, ...readPax(bytes) };
      else if (type === "L") overrides.path = untilNul(bytes);
      else overrides.linkPath = untilNul(bytes);
      continue;
    }
    overrides = {};
    const modified = entry.modified ?? readNumber(header, 136, 12);
    const target = entry.linkPath ?? untilNul(header.subarray(157, 257));
    if (type === "S")
      throw new ArchiveError(`${quote(path)} is a sparse file of GNU tar's old kind`, "ENOTSUP");
    if (type === "1") tree.addHardLink({ path, modified }, target);
    else if (type === "2") tree.addSymlink({ path, modified }, target, true);
    // Before ustar a directory was a file whose name ends with a slash.
    else if (type === "5" || (path.at(-1) === 47 && "0\0".includes(type)))
      tree.addDirectory({ path, modified });
    else if ("0\x007".includes(type)) {
      const place = { start, length: size, size, isDeflated: false, checksum: 0 };
      tree.addFile({ path, modified }, place, true);
    } else if (!"346".includes(type)) {
      throw new ArchiveError(
        `${quote(path)} is of a kind that is not known: ${JSON.stringify(type)}`,
        "ENOTSUP",
      );
    }
  }
}

/** Whether a block's checksum is that of its bytes, those of the checksum taken for blanks. */
function hasChecksum(header: Uint8Array): boolean {
  let sum = 0;
  for (let index = 0; index < BLOCK; index++)
    sum += index >= 148 && index < 156 ? 32 : header[index];
  return sum === readNumber(header, 148, 8);
}

/** A number in octal digits, or with the top bit set in binary. */
function readNumber(header: Uint8Array, start: number, length: number): number {
  if ((header[start] & 0x80) !== 0) {
    if (header[start] === 0xff) return -1;
    let value = header[start] & 0x7f;
    for (let index = start + 1; index < start + length; index++)
      value = value * 256 + header[index];
    return value;
  }
  const digits = decoder.decode(untilNul(header.subarray(start, start + length))).trim();
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** The name of an entry: in ustar archives with a prefix. */
function pathOf(header: Uint8Array): Uint8Array {
  const name = untilNul(header.subarray(0, 100));
  // GNU's own format has other things in the prefix's place, and says so by the blank after its name.
  const isUstar = decoder.decode(header.subarray(257, 263)) === "ustar\0";
  const prefix = isUstar ? untilNul(header.subarray(345, 500)) : new Uint8Array(0);
  if (prefix.length === 0) return name;
  const path = new Uint8Array(prefix.length + 1 + name.length);
  path.set(prefix);
  path[prefix.length] = 47;
  path.set(name, prefix.length + 1);
  return path;
}

/** Records of a pax header: `LENGTH KEY=VALUE\n`. */
function readPax(bytes: Uint8Array): Overrides {
  const overrides: Overrides = {};
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(32, at);
    const length = blank < 0 ? NaN : Number(decoder.decode(bytes.subarray(at, blank)));
    const equals = bytes.indexOf(61, blank);
    if (!(length > 0) || at + length > bytes.length || equals < 0 || equals >= at + length) {
      throw new ArchiveError("a pax header makes no sense");
    }
    const key = decoder.decode(bytes.subarray(blank + 1, equals));
    const value = bytes.slice(equals + 1, at + length - 1);
    if (key.startsWith("GNU.sparse."))
      throw new ArchiveError("it holds a sparse file of GNU tar's", "ENOTSUP");
    // An empty value takes back what a global header said.
    if (key === "path") overrides.path = value.length === 0 ? undefined : value;
    else if (key === "linkpath") overrides.linkPath = value.length === 0 ? undefined : value;
    else if (key === "size") overrides.size = Number(decoder.decode(value));
    else if (key === "mtime") overrides.modified = Math.floor(Number(decoder.decode(value))) || 0;
    at += length;
  }
  return overrides;
}
