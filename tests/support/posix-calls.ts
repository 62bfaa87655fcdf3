/**
 * File calls of one process by path, as a program makes them: each answers its result or `-errno`. Paths are relative to the directory `m` of
 * the root, where the filesystem under test is mounted; absolute ones go from the root.
 */
import assert from "node:assert/strict";
import { Filetype } from "../../src/abi/enums.ts";
import { errnoName } from "../../src/abi/errno.ts";
import { Fdflags, Lookupflags, Oflags, Rights } from "../../src/abi/flags.ts";
import { Dirent, Filestat } from "../../src/abi/layouts.ts";
import type { SyscallFixture } from "./syscall-fixture.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How a C library asks for the kinds of access. */
const READING =
  BigInt(~(Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE)) & 0x3fffffffn;
const WRITING = BigInt(~(Rights.FD_READ | Rights.FD_READDIR)) & 0x3fffffffn;
const BOTH = 0x3fffffffn;

/** Flags of `open`: as fcntl.h has them. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 4,
  EXCL: 8,
  TRUNC: 16,
  DIRECTORY: 32,
  APPEND: 64,
  NOFOLLOW: 128,
} as const;

export interface FileStatus {
  device: bigint;
  inode: bigint;
  type: number;
  links: number;
  size: number;
  accessed: bigint;
  modified: bigint;
  changed: bigint;
}

export interface DirectoryEntry {
  name: string;
  cookie: bigint;
  inode: bigint;
  type: number;
}

export class PosixCalls {
  /** Descriptor that relative paths start from. */
  base: number;
  /** In the first page, which the fixture leaves to tests. */
  private readonly result = 1024;

  constructor(
    readonly fixture: SyscallFixture,
    directory = "m",
  ) {
    this.base = 3;
    this.base = this.opened(directory, O.DIRECTORY);
  }

  open(path: string | Uint8Array, flags: number = O.RDONLY, base = this.base): number {
    const { fixture, result } = this;
    const access = flags & 3;
    const rights = access === O.RDONLY ? READING : access === O.WRONLY ? WRITING : BOTH;
    let oflags = 0;
    if ((flags & O.CREAT) !== 0) oflags |= Oflags.CREAT;
    if ((flags & O.EXCL) !== 0) oflags |= Oflags.EXCL;
    if ((flags & O.TRUNC) !== 0) oflags |= Oflags.TRUNC;
    if ((flags & O.DIRECTORY) !== 0) oflags |= Oflags.DIRECTORY;
    const fdflags = (flags & O.APPEND) !== 0 ? Fdflags.APPEND : 0;
    const lookup = (flags & O.NOFOLLOW) !== 0 ? 0 : Lookupflags.SYMLINK_FOLLOW;
    const at = this.path(path);
    const errno = fixture.call(
      "path_open",
      base,
      lookup,
      ...at,
      oflags,
      rights,
      BOTH,
      fdflags,
      result,
    );
    return errno === 0 ? fixture.u32(result) : 0 - Number(errno);
  }

  /** The same, that must succeed. */
  opened(path: string | Uint8Array, flags: number = O.RDONLY, base = this.base): number {
    const fd = this.open(path, flags, base);
    assert.ok(fd >= 0, `open ${String(path)}: ${errnoName(-fd)}`);
    return fd;
  }

  /** Opens and closes: 0 or `-errno`. */
  tryOpen(path: string | Uint8Array, flags: number = O.RDONLY, base = this.base): number {
    const fd = this.open(path, flags, base);
    if (fd >= 0) this.close(fd);
    return Math.min(fd, 0);
  }

  close(fd: number): void {
    this.fixture.do("fd_close", fd);
  }

  read(fd: number, length = 1000): string | number {
    const { fixture, result } = this;
    const at = fixture.reserve(length);
    const errno = fixture.call("fd_read", fd, ...fixture.buffers([at, length]), result);
    return errno === 0 ? fixture.text(at, fixture.u32(result)) : 0 - Number(errno);
  }

  write(fd: number, text: string): number {
    const { fixture, result } = this;
    const bytes = encoder.encode(text);
    const list = fixture.buffers([fixture.put(bytes), bytes.length]);
    return this.count(fixture.call("fd_write", fd, ...list, result));
  }

  pread(fd: number, length: number, offset: number): string | number {
    const { fixture, result } = this;
    const at = fixture.reserve(length);
    const list = fixture.buffers([at, length]);
    const errno = fixture.call("fd_pread", fd, ...list, BigInt(offset), result);
    return errno === 0 ? fixture.text(at, fixture.u32(result)) : 0 - Number(errno);
  }

  pwrite(fd: number, text: string, offset: number): number {
    const { fixture, result } = this;
    const bytes = encoder.encode(text);
    const list = fixture.buffers([fixture.put(bytes), bytes.length]);
    return this.count(fixture.call("fd_pwrite", fd, ...list, BigInt(offset), result));
  }

  seek(fd: number, offset: number, whence = 0): number {
    const { fixture, result } = this;
    const errno = fixture.call("fd_seek", fd, BigInt(offset), whence, result);
    return errno === 0 ? Number(fixture.u64(result)) : 0 - Number(errno);
  }

  duplicate(fd: number): number {
    const { fixture, result } = this;
    fixture.do("fd_dup", fd, result);
    return fixture.u32(result);
  }

  truncate(fd: number, size: number): number {
    return 0 - Number(this.fixture.call("fd_filestat_set_size", fd, BigInt(size)));
  }

  allocate(fd: number, offset: number, length: number): number {
    return 0 - Number(this.fixture.call("fd_allocate", fd, BigInt(offset), BigInt(length)));
  }

  sync(fd: number): number {
    return 0 - Number(this.fixture.call("fd_sync", fd));
  }

  /** Makes or replaces a file. */
  put(path: string | Uint8Array, text: string, base = this.base): void {
    const fd = this.opened(path, O.WRONLY | O.CREAT | O.TRUNC, base);
    assert.equal(this.write(fd, text), encoder.encode(text).length);
    this.close(fd);
  }

  /** The text of a file, or `-errno`. */
  text(path: string | Uint8Array, base = this.base): string | number {
    const fd = this.open(path, O.RDONLY, base);
    if (fd < 0) return fd;
    const text = this.read(fd, 4000);
    this.close(fd);
    return text;
  }

  mkdir(path: string | Uint8Array, base = this.base): number {
    return 0 - Number(this.fixture.call("path_create_directory", base, ...this.path(path)));
  }

  rmdir(path: string | Uint8Array, base = this.base): number {
    return 0 - Number(this.fixture.call("path_remove_directory", base, ...this.path(path)));
  }

  unlink(path: string | Uint8Array, base = this.base): number {
    return 0 - Number(this.fixture.call("path_unlink_file", base, ...this.path(path)));
  }

  symlink(target: string, path: string, base = this.base): number {
    const at = this.path(path);
    return 0 - Number(this.fixture.call("path_symlink", ...this.path(target), base, ...at));
  }

  link(from: string, to: string, follow = false): number {
    const lookup = follow ? Lookupflags.SYMLINK_FOLLOW : 0;
    const [source, target] = [this.path(from), this.path(to)];
    return (
      0 - Number(this.fixture.call("path_link", this.base, lookup, ...source, this.base, ...target))
    );
  }

  rename(from: string, to: string, base = this.base): number {
    const [source, target] = [this.path(from), this.path(to)];
    return 0 - Number(this.fixture.call("path_rename", base, ...source, base, ...target));
  }

  readlink(path: string, room = 4096): string | number {
    const { fixture, result } = this;
    const at = fixture.reserve(4096);
    const errno = fixture.call("path_readlink", this.base, ...this.path(path), at, room, result);
    return errno === 0 ? fixture.text(at, fixture.u32(result)) : 0 - Number(errno);
  }

  stat(path: string | Uint8Array, follow = true, base = this.base): FileStatus | number {
    const { fixture, result } = this;
    const lookup = follow ? Lookupflags.SYMLINK_FOLLOW : 0;
    const errno = fixture.call("path_filestat_get", base, lookup, ...this.path(path), result);
    return errno === 0 ? this.readStatus() : 0 - Number(errno);
  }

  /** The same, that must succeed. */
  status(path: string | Uint8Array, follow = true): FileStatus {
    const status = this.stat(path, follow);
    assert.ok(typeof status === "object", `stat ${String(path)}: ${status as number}`);
    return status;
  }

  fstat(fd: number): FileStatus {
    this.fixture.do("fd_filestat_get", fd, this.result);
    return this.readStatus();
  }

  typeOf(path: string | Uint8Array, follow = true): number {
    const status = this.stat(path, follow);
    return typeof status === "number" ? status : status.type;
  }

  /** Sets times; undefined leaves one as it is. */
  utimes(path: string, accessed?: bigint, modified?: bigint, follow = true): number {
    const lookup = follow ? Lookupflags.SYMLINK_FOLLOW : 0;
    const flags = (accessed === undefined ? 0 : 1) | (modified === undefined ? 0 : 4);
    const at = this.path(path);
    const times = [accessed ?? 0n, modified ?? 0n] as const;
    return (
      0 -
      Number(
        this.fixture.call("path_filestat_set_times", this.base, lookup, ...at, ...times, flags),
      )
    );
  }

  futimes(fd: number, accessed: bigint, modified: bigint): number {
    return 0 - Number(this.fixture.call("fd_filestat_set_times", fd, accessed, modified, 5));
  }

  /** One call of readdir with a buffer of `room` bytes: the entries that came whole. */
  readSome(fd: number, cookie: bigint, room: number): DirectoryEntry[] | number {
    const { fixture, result } = this;
    const at = fixture.reserve(room);
    const errno = fixture.call("fd_readdir", fd, at, room, cookie, result);
    if (errno !== 0) return 0 - Number(errno);
    const used = fixture.u32(result);
    const { view } = fixture.guest;
    const entries: DirectoryEntry[] = [];
    for (let offset = 0; offset + Dirent.$size <= used;) {
      const length = view.getUint32(at + offset + Dirent.d_namlen, true);
      const end = offset + Dirent.$size + length;
      if (end > used) break;
      entries.push({
        name: latin(fixture.guest.u8.slice(at + offset + Dirent.$size, at + end)),
        cookie: fixture.u64(at + offset + Dirent.d_next),
        inode: fixture.u64(at + offset + Dirent.d_ino),
        type: view.getUint8(at + offset + Dirent.d_type),
      });
      offset = end;
    }
    return entries;
  }

  /** Every entry from a cookie on, `.` and `..` too. */
  readAll(fd: number, cookie = 0n, room = 4096): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (;;) {
      const some = this.readSome(fd, entries.at(-1)?.cookie ?? cookie, room);
      assert.ok(typeof some === "object", `readdir: ${some as number}`);
      if (some.length === 0) return entries;
      entries.push(...some);
    }
  }

  /** Names in a directory without `.` and `..`, sorted; or `-errno`. */
  names(path: string): string[] | number {
    const fd = this.open(path, O.DIRECTORY);
    if (fd < 0) return fd;
    const entries = this.readAll(fd);
    this.close(fd);
    return entries
      .map(({ name }) => name)
      .filter((name) => name !== "." && name !== "..")
      .sort();
  }

  private path(path: string | Uint8Array): [number, number] {
    const bytes = typeof path === "string" ? encoder.encode(path) : path;
    return [this.fixture.put(bytes), bytes.length];
  }

  private count(errno: unknown): number {
    return errno === 0 ? this.fixture.u32(this.result) : 0 - Number(errno);
  }

  private readStatus(): FileStatus {
    const { fixture, result } = this;
    return {
      device: fixture.u64(result + Filestat.dev),
      inode: fixture.u64(result + Filestat.ino),
      type: fixture.guest.u8[result + Filestat.filetype],
      links: Number(fixture.u64(result + Filestat.nlink)),
      size: Number(fixture.u64(result + Filestat.size)),
      accessed: fixture.u64(result + Filestat.atim),
      modified: fixture.u64(result + Filestat.mtim),
      changed: fixture.u64(result + Filestat.ctim),
    };
  }
}

/** Names that are UTF-8 as text, others byte by byte. */
function latin(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes("\ufffd") ? String.fromCharCode(...bytes) : text;
}

export const { DIRECTORY, REGULAR_FILE, SYMBOLIC_LINK } = Filetype;
