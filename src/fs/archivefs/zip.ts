/**
 * Reading the index of a zip archive (APPNOTE 6.3): its central directory, also in the 64-bit form.
 *
 * The central directory alone says what is in the archive; of each entry's own header only its length is taken. Two entries of one name, or two that
 * share bytes, are refused: programs differ in what they make of such archives, and only those who rely on it make them.
 */
import { ArchiveError, quote } from "./archive-error.ts";
import { crc32 } from "../crc32.ts";
import { inflate } from "./inflate.ts";
import type { ArchiveReader } from "./reader.ts";
import type { PackedPlace, TreeBuilder } from "./tree-builder.ts";

const END = 0x06054b50;
const END_64_LOCATOR = 0x07064b50;
const END_64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

const END_BYTES = 22;
const LONGEST_COMMENT = 65535;
/** Deflate makes at most this many bytes of one. */
const MOST_EXPANSION = 1032;
/** Most bytes of a central directory: some millions of entries. */
const LARGEST_DIRECTORY = 2 ** 29;

const STORED = 0;
const DEFLATED = 8;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;

interface Directory {
  /** Where it is, and how much the archive was moved from where it was written: it may follow a program. */
  readonly start: number;
  readonly bytes: number;
  readonly count: number;
  readonly moved: number;
}

interface Entry {
  readonly path: Uint8Array;
  readonly method: number;
  readonly flags: number;
  readonly checksum: number;
  readonly mode: number;
  readonly modified: number;
  length: number;
  size: number;
  header: number;
}

/** Whether the archive ends as a zip archive does. */
export function isZip(reader: ArchiveReader): boolean {
  return findEnd(reader) >= 0;
}

/** Adds every entry to a tree. @throws ArchiveError */
export function readZip(reader: ArchiveReader, tree: TreeBuilder): void {
  const directory = readEnd(reader);
  const bytes = reader.read(directory.start, directory.bytes);
  const view = viewOf(bytes);
  const ranges: { start: number; end: number; path: Uint8Array }[] = [];
  let at = 0;
  for (let index = 0; index < directory.count; index++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL) {
      throw new ArchiveError(`its directory ends after ${index} of ${directory.count} entries`);
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      view.getUint16(at + offset, true),
    );
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > bytes.length) throw new ArchiveError(`its directory ends inside entry ${index + 1}`);
    const entry = readEntry(view, bytes, at, nameLength, extraLength);
    at = next;
    const start = findBytes(reader, directory, entry);
    ranges.push({
      start: entry.header + directory.moved,
      end: start + entry.length,
      path: entry.path,
    });
    addEntry(reader, tree, entry, start);
  }
  refuseOverlap(ranges);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Position of the end record, or -1. */
function findEnd(reader: ArchiveReader): number {
  const length = Math.min(reader.size, END_BYTES + LONGEST_COMMENT);
  const tail = viewOf(reader.read(reader.size - length, length));
  for (let at = length - END_BYTES; at >= 0; at--) {
    if (
      tail.getUint32(at, true) === END &&
      at + END_BYTES + tail.getUint16(at + 20, true) <= length
    ) {
      return reader.size - length + at;
    }
  }
  return -1;
}

function readEnd(reader: ArchiveReader): Directory {
  const position = findEnd(reader);
  const end = viewOf(reader.read(position, END_BYTES));
  let [count, bytes, start] = [
    end.getUint16(10, true),
    end.getUint32(12, true),
    end.getUint32(16, true),
  ];
  let follows = position;
  if (end.getUint16(4, true) !== 0 && end.getUint16(4, true) !== 0xffff) {
    throw new ArchiveError("it is a part of an archive in several files", "ENOTSUP");
  }
  if (count === 0xffff || bytes === 0xffffffff || start === 0xffffffff) {
    const locator = position < 20 ? undefined : viewOf(reader.read(position - 20, 20));
    if (locator?.getUint32(0, true) === END_64_LOCATOR) {
      const at = readLarge(locator, 8);
      const large = viewOf(reader.read(at, 56));
      if (large.getUint32(0, true) !== END_64)
        throw new ArchiveError("its 64-bit end record is not where it should be");
      [count, bytes, start] = [readLarge(large, 32), readLarge(large, 40), readLarge(large, 48)];
      follows = at;
    }
  }
  const moved = follows - bytes - start;
  if (!(moved >= 0) || bytes > LARGEST_DIRECTORY || count * 46 > bytes) {
    throw new ArchiveError(
      `it is cut off or damaged: a directory of ${count} entries and ${bytes} bytes cannot be at ${start}`,
    );
  }
  return { start: start + moved, bytes, count, moved };
}

/** A number of 64 bits; one above 2^53 is in no archive and refused where it is used. */
function readLarge(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function readEntry(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  nameLength: number,
  extraLength: number,
): Entry {
  const nameAt = at + 46;
  // The upper half is a file's mode where the archive was made on Unix.
  const isUnix = view.getUint8(at + 5) === 3;
  const entry: Entry = {
    path: bytes.slice(nameAt, nameAt + nameLength),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    modified: readDosTime(view.getUint16(at + 12, true), view.getUint16(at + 14, true)),
    checksum: view.getUint32(at + 16, true),
    mode: isUnix ? view.getUint32(at + 38, true) >>> 16 : 0,
    length: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    header: view.getUint32(at + 42, true),
  };
  readExtra(view, nameAt + nameLength, extraLength, entry);
  return entry;
}

/** The numbers that did not fit into 32 bits. */
function readExtra(view: DataView, start: number, length: number, entry: Entry): void {
  for (let at = start; at + 4 <= start + length;) {
    const kind = view.getUint16(at, true);
    const end = at + 4 + view.getUint16(at + 2, true);
    if (end > start + length) return;
    let field = at + 4;
    if (kind === 1) {
      for (const key of ["size", "length", "header"] as const) {
        if (entry[key] !== 0xffffffff) continue;
        if (field + 8 > end) throw new ArchiveError(`${quote(entry.path)} has no 64-bit ${key}`);
        entry[key] = readLarge(view, field);
        field += 8;
      }
    }
    at = end;
  }
}

/** Date and time of MS-DOS as seconds since 1970; they know no time zone, and are taken for UTC. */
function readDosTime(time: number, date: number): number {
  const day = Date.UTC(
    1980 + (date >> 9),
    ((date >> 5) & 15) - 1,
    date & 31,
    time >> 11,
    (time >> 5) & 63,
    (time & 31) * 2,
  );
  return day / 1000;
}

/** Where the bytes of an entry begin. */
function findBytes(reader: ArchiveReader, directory: Directory, entry: Entry): number {
  const header = viewOf(reader.read(entry.header + directory.moved, 30));
  if (header.getUint32(0, true) !== LOCAL)
    throw new ArchiveError(`${quote(entry.path)} is not where the directory says`);
  const start =
    entry.header + directory.moved + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (!(start + entry.length <= directory.start)) {
    throw new ArchiveError(
      `${quote(entry.path)} should have ${entry.length} bytes at ${start}, and the archive's end there at ${directory.start}`,
    );
  }
  return start;
}

function addEntry(reader: ArchiveReader, tree: TreeBuilder, entry: Entry, start: number): void {
  const { path, method, modified, size, length, checksum } = entry;
  const kind = entry.mode & S_IFMT;
  if (path.at(-1) === 47 || kind === S_IFDIR) return tree.addDirectory({ path, modified });
  if ((entry.flags & 1) !== 0) throw new ArchiveError(`${quote(path)} is encrypted`, "ENOTSUP");
  if (method !== STORED && method !== DEFLATED) {
    throw new ArchiveError(
      `${quote(path)} is compressed by method ${method}, of which only 0 (none) and 8 (deflate) are known`,
      "ENOTSUP",
    );
  }
  const largest = method === STORED ? length : length * MOST_EXPANSION;
  if (size > largest || (method === STORED && size !== length)) {
    throw new ArchiveError(
      `${quote(path)} cannot have ${size} bytes, as there are only ${length} of it in the archive`,
    );
  }
  const place = { start, length, size, isDeflated: method === DEFLATED, checksum };
  if (kind === S_IFLNK) tree.addSymlink({ path, modified }, readTarget(reader, path, place), false);
  else tree.addFile({ path, modified }, place, false);
}

/** The target of a symbolic link, which is its content. */
function readTarget(reader: ArchiveReader, path: Uint8Array, place: PackedPlace): Uint8Array {
  // More than any path has is refused by the tree; so much need not be read.
  const size = Math.min(place.size, 65536);
  const bytes = reader.read(place.start, Math.min(place.length, 65536));
  if (!place.isDeflated) return bytes;
  const target = new Uint8Array(size);
  const wrong = inflate(bytes, target);
  if (wrong !== undefined || crc32(target) !== place.checksum) {
    throw new ArchiveError(`the symbolic link ${quote(path)} is damaged`);
  }
  return target;
}

function refuseOverlap(ranges: { start: number; end: number; path: Uint8Array }[]): void {
  ranges.sort((a, b) => a.start - b.start);
  for (let index = 1; index < ranges.length; index++) {
    if (ranges[index].start < ranges[index - 1].end) {
      throw new ArchiveError(
        `${quote(ranges[index].path)} and ${quote(ranges[index - 1].path)} share bytes`,
      );
    }
  }
}
