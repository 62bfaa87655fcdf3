/** Tar and zip archives for tests, made entry by entry, so that each can be wrong in any way. */
import { crc32 } from "../../src/fs/crc32.ts";
import { deflateRawSync } from "node:zlib";
import type { Tree } from "./filesystem-contract/index.ts";

const MODIFIED = 1_600_000_000;

export interface TarEntry {
  name: string | Uint8Array;
  type?: string;
  content?: string | Uint8Array;
  target?: string;
  /** What the header says instead of the content's length. */
  size?: number | string;
  prefix?: string;
  /** What is written in place of the right checksum. */
  checksum?: number;
}

function put(header: Uint8Array, at: number, text: string | Uint8Array): void {
  header.set(typeof text === "string" ? Buffer.from(text) : text, at);
}

/** The blocks of one entry of a tar archive. */
export function tarEntry(entry: TarEntry): Buffer {
  const header = new Uint8Array(512);
  const content = Buffer.from((entry.content ?? "") as string);
  put(header, 0, Buffer.from(entry.name as string).subarray(0, 100));
  put(header, 100, "0000644\0");
  const size = entry.size ?? content.length;
  put(
    header,
    124,
    typeof size === "string"
      ? Buffer.from(size, "latin1")
      : size.toString(8).padStart(11, "0") + "\0",
  );
  put(header, 136, MODIFIED.toString(8).padStart(11, "0") + "\0");
  put(header, 156, entry.type ?? "0");
  put(header, 157, entry.target ?? "");
  put(header, 257, "ustar\x0000");
  put(header, 345, entry.prefix ?? "");
  header.fill(32, 148, 156);
  const sum = entry.checksum ?? header.reduce((total, byte) => total + byte, 0);
  put(header, 148, sum.toString(8).padStart(6, "0") + "\0 ");
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding]);
}

/** A record of a pax header. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes;
  while (String(length).length + bytes !== length) length = String(length).length + bytes;
  return length + rest;
}

/** An archive of entries, with its end. */
export function tarOf(...entries: readonly (TarEntry | Buffer)[]): Buffer {
  const blocks = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : tarEntry(entry)));
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** An archive of a tree. Names that are too long for a header come before it as GNU tar writes them. */
export function tarTree(tree: Tree): Buffer {
  const entries = Object.entries(tree).flatMap(([name, what]): TarEntry[] => {
    const long: TarEntry[] =
      Buffer.byteLength(name) > 99
        ? [{ name: "././@LongLink", type: "L", content: `${name}\0` }]
        : [];
    if (what === null) return [...long, { name: `${name}/`, type: "5" }];
    if (typeof what === "object") return [...long, { name, type: "2", target: what.link }];
    return [...long, { name, content: what }];
  });
  return tarOf(...entries);
}

export interface ZipEntry {
  name: string;
  content?: string | Uint8Array;
  isDeflated?: boolean;
  /** What the directory says, where it is not true. */
  size?: number;
  length?: number;
  checksum?: number;
  method?: number;
  flags?: number;
  mode?: number;
  /** Place of the entry's header, where it is not its own. */
  header?: number;
  /** Bytes in place of the compressed ones. */
  packed?: Uint8Array;
}

/** A zip archive of entries. `end` changes fields of the end record, by their offset, 16 or 32 bits. */
export function zipOf(
  entries: readonly ZipEntry[],
  options: { before?: Uint8Array; comment?: string; is64?: boolean } = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from(options.before ?? [])];
  const base = parts[0].length;
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const content = Buffer.from((entry.content ?? "") as string);
    const isDeflated = entry.isDeflated ?? false;
    const packed = entry.packed ?? (isDeflated ? deflateRawSync(content) : content);
    const name = Buffer.from(entry.name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    parts.push(local, name, Buffer.from(packed));
    const extra = Buffer.alloc(options.is64 ? 28 : 0);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt8(3, 5);
    record.writeUInt16LE(entry.flags ?? 0, 8);
    record.writeUInt16LE(entry.method ?? (isDeflated ? 8 : 0), 10);
    record.writeUInt16LE(((2020 - 1980) << 9) | (9 << 5) | 13, 14);
    record.writeUInt32LE(entry.checksum ?? crc32(content), 16);
    const numbers = [
      entry.size ?? content.length,
      entry.length ?? packed.length,
      entry.header ?? at,
    ];
    if (options.is64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      numbers.forEach((number, index) => extra.writeBigUInt64LE(BigInt(number), 4 + index * 8));
      numbers.fill(0xffffffff);
    }
    record.writeUInt32LE(numbers[0], 24);
    record.writeUInt32LE(numbers[1], 20);
    record.writeUInt32LE(numbers[2], 42);
    record.writeUInt16LE(name.length, 28);
    record.writeUInt16LE(extra.length, 30);
    record.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 38);
    central.push(record, name, extra);
    at += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(options.is64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(options.is64 ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(options.is64 ? 0xffffffff : at, 16);
  end.writeUInt16LE((options.comment ?? "").length, 20);
  const large = Buffer.alloc(options.is64 ? 76 : 0);
  if (options.is64) {
    large.writeUInt32LE(0x06064b50, 0);
    large.writeBigUInt64LE(BigInt(entries.length), 32);
    large.writeBigUInt64LE(BigInt(directory.length), 40);
    large.writeBigUInt64LE(BigInt(at), 48);
    large.writeUInt32LE(0x07064b50, 56);
    large.writeBigUInt64LE(BigInt(base + at + directory.length), 64);
  }
  return Buffer.concat([...parts, directory, large, end, Buffer.from(options.comment ?? "")]);
}

/** A zip archive of a tree; every other file compressed, or all. */
export function zipTree(tree: Tree, isDeflated = true): Buffer {
  return zipOf(
    Object.entries(tree).map(([name, what]): ZipEntry => {
      if (what === null) return { name: `${name}/`, mode: 0o040755 };
      if (typeof what === "object") return { name, content: what.link, mode: 0o120777, isDeflated };
      return { name, content: what, isDeflated };
    }),
  );
}
