import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { Filetype, Signal, Whence } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Fdflags, Fdflagsext, Fstflags, Oflags, Rights } from "../abi/flags.ts";
import { Dirent, Fdstat, Filestat } from "../abi/layouts.ts";
import { FilestatSnapshot0 } from "../abi/snapshot0-layouts.ts";
import { Process, ProcessFlags } from "../kernel/index.ts";

const ALL = -1n;

/** Opens a path below the root; the descriptor. */
function open(
  fixture: SyscallFixture,
  path: string,
  oflags = 0,
  fdflags = 0,
  rights = ALL,
): number {
  const result = fixture.reserve(4);
  fixture.do("path_open", 3, 1, ...fixture.path(path), oflags, rights, ALL, fdflags, result);
  return fixture.u32(result);
}

function write(fixture: SyscallFixture, fd: number, text: string): number {
  const result = fixture.reserve(4);
  fixture.do("fd_write", fd, ...fixture.buffers([fixture.put(text), text.length]), result);
  return fixture.u32(result);
}

function read(fixture: SyscallFixture, fd: number, length = 100): string {
  const result = fixture.reserve(4);
  const at = fixture.reserve(length);
  fixture.do("fd_read", fd, ...fixture.buffers([at, length]), result);
  return fixture.text(at, fixture.u32(result));
}

function pipe(fixture: SyscallFixture): [reader: number, writer: number] {
  const result = fixture.reserve(8);
  fixture.do("fd_pipe", result, result + 4);
  return [fixture.u32(result), fixture.u32(result + 4)];
}

function seek(fixture: SyscallFixture, fd: number, delta: bigint, whence: number): bigint {
  const result = fixture.reserve(8);
  fixture.do("fd_seek", fd, delta, whence, result);
  return fixture.u64(result);
}

function process(name: string, body: (fixture: SyscallFixture) => void): void {
  test(name, withProcess(body));
}

process("several buffers are written and read in order", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  const result = fixture.reserve(4);
  const text = fixture.put("hello world");
  const out = fixture.buffers([text, 5], [text, 0], [text + 5, 6]);
  fixture.do("fd_write", fd, ...out, result);
  assert.equal(fixture.u32(result), 11);
  assert.equal(seek(fixture, fd, 0n, Whence.SET), 0n);
  const at = fixture.reserve(20);
  const into = fixture.buffers([at, 3], [at + 3, 0], [at + 3, 17]);
  fixture.do("fd_read", fd, ...into, result);
  assert.equal(fixture.u32(result), 11);
  assert.equal(fixture.text(at, 11), "hello world");
  assert.equal(read(fixture, fd), "");
});

process("pread and pwrite have their own position", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  write(fixture, fd, "abcdef");
  const result = fixture.reserve(4);
  const at = fixture.reserve(8);
  fixture.do("fd_pread", fd, ...fixture.buffers([at, 3]), 2n, result);
  assert.equal(fixture.text(at, fixture.u32(result)), "cde");
  fixture.do("fd_pwrite", fd, ...fixture.buffers([fixture.put("XY"), 2]), 0n, result);
  assert.equal(seek(fixture, fd, 0n, Whence.CUR), 6n);
  seek(fixture, fd, 0n, Whence.SET);
  assert.equal(read(fixture, fd), "XYcdef");
  fixture.do("fd_pread", fd, ...fixture.buffers([at, 3]), 2n ** 60n, result);
  assert.equal(fixture.u32(result), 0);
  const buffers = fixture.buffers([at, 3]);
  assert.equal(fixture.call("fd_pread", fd, ...buffers, -1n, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_pwrite", fd, ...buffers, -1n, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_pwrite", fd, ...buffers, 2n ** 60n, result), Errno.EFBIG);
  assert.equal(fixture.call("fd_pread", 0, ...buffers, 0n, result), Errno.ESPIPE);
  assert.equal(fixture.call("fd_pwrite", 1, ...buffers, 0n, result), Errno.ESPIPE);
  assert.equal(fixture.call("fd_pread", 3, ...buffers, 0n, result), Errno.EISDIR);
});

process("seek goes from the start, from here and from the end", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  write(fixture, fd, "0123456789");
  assert.equal(seek(fixture, fd, 4n, Whence.SET), 4n);
  assert.equal(seek(fixture, fd, -1n, Whence.CUR), 3n);
  assert.equal(seek(fixture, fd, -2n, Whence.END), 8n);
  assert.equal(seek(fixture, fd, 100n, Whence.END), 110n);
  const result = fixture.reserve(8);
  assert.equal(fixture.call("fd_seek", fd, -1n, Whence.SET, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_seek", fd, 0n, 3, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_seek", fd, 2n ** 60n, Whence.SET, result), Errno.EOVERFLOW);
  assert.equal(fixture.call("fd_seek", 0, 0n, Whence.CUR, result), Errno.ESPIPE);
  fixture.do("fd_tell", fd, result);
  assert.equal(fixture.u64(result), 110n);
  assert.equal(fixture.call("fd_tell", 1, result), Errno.ESPIPE);
  assert.equal(fixture.callIn("wasi_unstable", "fd_seek", fd, 1n, 2, result), 0);
  assert.equal(fixture.u64(result), 1n);
});

process("a descriptor is for what it was opened for", (fixture) => {
  write(fixture, open(fixture, "f", Oflags.CREAT), "x");
  const reads = open(fixture, "f", 0, 0, BigInt(Rights.FD_READ));
  const writes = open(fixture, "f", 0, 0, BigInt(Rights.FD_WRITE));
  const result = fixture.reserve(4);
  const buffers = fixture.buffers([fixture.reserve(1), 1]);
  assert.equal(fixture.call("fd_write", reads, ...buffers, result), Errno.EBADF);
  assert.equal(fixture.call("fd_read", writes, ...buffers, result), Errno.EBADF);
  assert.equal(fixture.call("fd_write", 0, ...buffers, result), Errno.EBADF);
  assert.equal(fixture.call("fd_read", 1, ...buffers, result), Errno.EBADF);
  assert.equal(fixture.call("fd_read", 99, ...buffers, result), Errno.EBADF);
  assert.equal(fixture.call("fd_read", 3, ...buffers, result), Errno.EISDIR);
  assert.equal(fixture.call("fd_write", 3, ...buffers, result), Errno.EBADF);
  assert.equal(fixture.call("fd_filestat_set_size", reads, 0n), Errno.EINVAL);
  assert.equal(fixture.call("fd_allocate", reads, 0n, 1n), Errno.EBADF);
  assert.equal(fixture.call("fd_filestat_set_size", writes, 0n), Errno.ENOTCAPABLE);
  assert.equal(fixture.call("fd_allocate", writes, 0n, 1n), Errno.ENOTCAPABLE);
});

process("a file grows, shrinks and takes room", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  const result = fixture.reserve(Filestat.$size);
  const size = () => {
    fixture.do("fd_filestat_get", fd, result);
    return fixture.u64(result + Filestat.size);
  };
  write(fixture, fd, "hello");
  fixture.do("fd_filestat_set_size", fd, 3n);
  assert.equal(size(), 3n);
  fixture.do("fd_allocate", fd, 10n, 10n);
  assert.equal(size(), 20n);
  fixture.do("fd_allocate", fd, 0n, 1n);
  assert.equal(size(), 20n);
  assert.equal(fixture.call("fd_allocate", fd, 0n, 0n), Errno.EINVAL);
  assert.equal(fixture.call("fd_allocate", fd, -1n, 1n), Errno.EINVAL);
  assert.equal(fixture.call("fd_allocate", fd, 2n ** 60n, 1n), Errno.EFBIG);
  assert.equal(fixture.call("fd_allocate", 1, 0n, 1n), Errno.ESPIPE);
  assert.equal(fixture.call("fd_filestat_set_size", fd, -1n), Errno.EINVAL);
  assert.equal(fixture.call("fd_filestat_set_size", fd, 2n ** 60n), Errno.EFBIG);
});

process("times are set, now or as told, and contradictions refused", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  const result = fixture.reserve(Filestat.$size);
  const { ATIM, ATIM_NOW, MTIM, MTIM_NOW } = Fstflags;
  fixture.do("fd_filestat_set_times", fd, 2n ** 60n + 1n, 7n, ATIM | MTIM);
  fixture.do("fd_filestat_get", fd, result);
  assert.equal(fixture.u64(result + Filestat.atim), 2n ** 60n + 1n);
  assert.equal(fixture.u64(result + Filestat.mtim), 7n);
  fixture.do("fd_filestat_set_times", fd, 5n, 5n, MTIM_NOW);
  fixture.do("fd_filestat_get", fd, result);
  assert.equal(fixture.u64(result + Filestat.atim), 2n ** 60n + 1n);
  assert.ok(fixture.u64(result + Filestat.mtim) > 10n ** 18n);
  const both = fixture.call("fd_filestat_set_times", fd, 0n, 0n, ATIM | ATIM_NOW);
  assert.equal(both, Errno.EINVAL);
  assert.equal(fixture.call("fd_filestat_set_times", fd, 0n, 0n, 16), Errno.EINVAL);
  fixture.do("fd_filestat_get", fd, result);
  const snapshot0 = fixture.reserve(FilestatSnapshot0.$size);
  assert.equal(fixture.callIn("wasi_unstable", "fd_filestat_get", fd, snapshot0), 0);
  for (const field of ["dev", "ino", "size", "atim", "mtim", "ctim"] as const) {
    const value = fixture.u64(snapshot0 + FilestatSnapshot0[field]);
    assert.equal(value, fixture.u64(result + Filestat[field]), field);
  }
  assert.equal(fixture.u32(snapshot0 + FilestatSnapshot0.nlink), 1);
});

process("status tells type, flags and useful rights", (fixture) => {
  const result = fixture.reserve(Fdstat.$size);
  const fd = open(fixture, "f", Oflags.CREAT, Fdflags.APPEND);
  fixture.do("fd_fdstat_get", fd, result);
  assert.equal(fixture.guest.u8[result], Filetype.REGULAR_FILE);
  assert.equal(fixture.guest.u8[result + Fdstat.fs_flags], Fdflags.APPEND);
  assert.equal(fixture.u64(result + Fdstat.fs_rights_base), 2n ** 39n - 1n);
  assert.equal(fixture.u64(result + Fdstat.fs_rights_inheriting), 0n);
  const seeks = BigInt(Rights.FD_SEEK | Rights.FD_TELL);
  fixture.do("fd_fdstat_get", 3, result);
  assert.equal(fixture.guest.u8[result], Filetype.DIRECTORY);
  const base = fixture.u64(result + Fdstat.fs_rights_base);
  assert.equal(base & (seeks | BigInt(Rights.FD_WRITE)), 0n);
  assert.equal(fixture.u64(result + Fdstat.fs_rights_inheriting), 2n ** 39n - 1n);
  fixture.do("fd_fdstat_get", 1, result);
  assert.equal(fixture.u64(result + Fdstat.fs_rights_base) & seeks, 0n);
  assert.equal(fixture.call("fd_fdstat_get", 70, result), Errno.EBADF);
});

process("flags change what every duplicate does, and only some can be changed", (fixture) => {
  const result = fixture.reserve(Fdstat.$size);
  const fd = open(fixture, "f", Oflags.CREAT, Fdflags.SYNC);
  fixture.do("fd_dup", fd, result);
  const copy = fixture.u32(result);
  fixture.do("fd_fdstat_set_flags", copy, Fdflags.NONBLOCK | Fdflags.APPEND | Fdflags.DSYNC);
  fixture.do("fd_fdstat_get", fd, result);
  const { NONBLOCK, APPEND, SYNC } = Fdflags;
  assert.equal(fixture.guest.u8[result + Fdstat.fs_flags], NONBLOCK | APPEND | SYNC);
  fixture.do("fd_fdstat_set_flags", fd, 0);
  fixture.do("fd_fdstat_get", copy, result);
  assert.equal(fixture.guest.u8[result + Fdstat.fs_flags], SYNC);
  assert.equal(fixture.call("fd_fdstat_set_flags", fd, 32), Errno.EINVAL);
});

process("rights only get fewer", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  fixture.do("fd_fdstat_set_rights", fd, BigInt(Rights.FD_READ), 0n);
  const more = BigInt(Rights.FD_READ | Rights.FD_WRITE);
  assert.equal(fixture.call("fd_fdstat_set_rights", fd, more, 0n), Errno.ENOTCAPABLE);
  assert.equal(fixture.call("fd_fdstat_set_rights", fd, 0n, 1n), Errno.ENOTCAPABLE);
  assert.equal(fixture.call("fd_sync", fd), Errno.ENOTCAPABLE);
  assert.equal(fixture.call("fd_fdstat_set_rights", 50, 0n, 0n), Errno.EBADF);
  assert.equal(read(fixture, fd), "");
});

process("duplicates share the offset; close-on-exec is a descriptor's own", (fixture) => {
  const result = fixture.reserve(8);
  const fd = open(fixture, "f", Oflags.CREAT);
  write(fixture, fd, "abc");
  fixture.do("fd_fdflags_set", fd, Fdflagsext.CLOEXEC);
  fixture.do("fd_dup", fd, result);
  const copy = fixture.u32(result);
  fixture.do("fd_fdflags_get", copy, result);
  assert.equal(fixture.u32(result) & 0xffff, 0);
  fixture.do("fd_dup2", fd, 20, 0, result);
  assert.equal(fixture.u32(result), 20);
  fixture.do("fd_fdflags_get", 20, result);
  assert.equal(fixture.u32(result) & 0xffff, 0);
  fixture.do("fd_dup2", fd, 20, 1, result);
  assert.equal(fixture.u32(result), 21);
  assert.equal(seek(fixture, 21, 1n, Whence.SET), 1n);
  assert.equal(read(fixture, copy), "bc");
  assert.equal(fixture.call("fd_dup2", fd, 2 ** 20, 0, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_dup2", fd, -1, 0, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_dup", 60, result), Errno.EBADF);
  assert.equal(fixture.call("fd_fdflags_set", fd, 2), Errno.EINVAL);
});

process("renumber copies and closes what was there", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  write(fixture, fd, "abc");
  fixture.do("fd_renumber", fd, 40);
  assert.equal(write(fixture, 40, "def"), 3);
  const [reader, writer] = pipe(fixture);
  fixture.do("fd_renumber", fd, writer);
  assert.equal(read(fixture, reader), "", "the only writer is gone");
  fixture.do("fd_renumber", fd, fd);
  assert.equal(fixture.call("fd_renumber", 60, 61), Errno.EBADF);
  assert.equal(fixture.call("fd_renumber", fd, -1), Errno.EBADF);
});

process("a preopened directory stays behind its number, whatever that stands for", (fixture) => {
  const result = fixture.reserve(64);
  const stat = (path: string) =>
    fixture.call("path_filestat_get", 3, 0, fixture.put(path), path.length, result);
  fixture.do("fd_close", 3);
  assert.equal(stat("/"), 0, "it does not close");
  const fd = open(fixture, "f", Oflags.CREAT);
  fixture.do("fd_renumber", fd, 3);
  assert.equal(write(fixture, 3, "abc"), 3);
  assert.equal(stat("/f"), 0);
  assert.equal(stat("f"), Errno.ENOTDIR);
  fixture.do("fd_prestat_get", 3, result);
  fixture.do("fd_renumber", fd, 3);
  fixture.do("fd_close", 3);
  assert.equal(stat("f"), 0, "the directory is back");
  // Rights that were taken from it do not come back.
  fixture.do("fd_fdstat_set_rights", 3, BigInt(Rights.PATH_OPEN), 0n);
  assert.equal(stat("/f"), Errno.ENOTCAPABLE);
  fixture.do("fd_renumber", fd, 3);
  assert.notEqual(stat("/f"), 0);
  fixture.do("fd_close", 3);
  assert.equal(stat("f"), Errno.ENOTCAPABLE);
});

process("renumber moves in a program that knows no WASIX call", (fixture) => {
  fixture.context.isPreview1 = true;
  const from = open(fixture, "f", Oflags.CREAT);
  write(fixture, from, "abc");
  const to = open(fixture, "g", Oflags.CREAT);
  fixture.do("fd_renumber", from, to);
  assert.equal(fixture.call("fd_close", from), Errno.EBADF);
  seek(fixture, to, 0n, Whence.SET);
  assert.equal(read(fixture, to), "abc");
  assert.equal(fixture.call("fd_renumber", to, from), Errno.EBADF);
  assert.equal(fixture.call("fd_renumber", from, to), Errno.EBADF);
  fixture.do("fd_renumber", to, to);
  assert.equal(open(fixture, "h", Oflags.CREAT), from, "the lowest free descriptor");
  fixture.do("fd_renumber", to, 3);
  assert.equal(fixture.call("fd_prestat_get", 3, fixture.reserve(8)), Errno.EBADF);
});

process("preopens are told one after the other", (fixture) => {
  const result = fixture.reserve(8);
  fixture.do("fd_prestat_get", 3, result);
  assert.equal(fixture.u32(result), 0);
  assert.equal(fixture.u32(result + 4), 1);
  assert.equal(fixture.call("fd_prestat_get", 4, result), Errno.EBADF);
  assert.equal(fixture.call("fd_prestat_get", 1, result), Errno.EBADF);
  fixture.do("fd_prestat_dir_name", 3, result, 1);
  assert.equal(fixture.text(result, 1), "/");
  fixture.do("fd_prestat_dir_name", 3, result, 8);
  assert.equal(fixture.call("fd_prestat_dir_name", 3, result, 0), Errno.ENAMETOOLONG);
});

interface Entry {
  name: string;
  cookie: bigint;
  type: number;
}

function list(fixture: SyscallFixture, fd: number, cookie: bigint, length: number): Entry[] {
  const buffer = fixture.reserve(length);
  const result = fixture.reserve(4);
  fixture.do("fd_readdir", fd, buffer, length, cookie, result);
  const used = fixture.u32(result);
  const entries: Entry[] = [];
  for (let at = buffer; at + Dirent.$size <= buffer + used;) {
    const bytes = fixture.u32(at + Dirent.d_namlen);
    const end = at + Dirent.$size + bytes;
    if (end > buffer + used) break;
    const name = fixture.text(at + Dirent.$size, bytes);
    const type = fixture.guest.u8[at + Dirent.d_type];
    entries.push({ name, cookie: fixture.u64(at), type });
    at = end;
  }
  return entries;
}

process("a directory is listed in pieces of any size", (fixture) => {
  const names = ["one", "two", "three", "four"];
  for (const name of names) open(fixture, name, Oflags.CREAT);
  fixture.do("path_create_directory", 3, ...fixture.path("sub"));
  const whole = list(fixture, 3, 0n, 4096);
  assert.deepEqual(whole.map(({ name }) => name).sort(), [".", "..", ...names, "sub"].sort());
  assert.equal(whole.find(({ name }) => name === "sub")!.type, Filetype.DIRECTORY);
  assert.equal(whole.find(({ name }) => name === "one")!.type, Filetype.REGULAR_FILE);
  for (const length of [30, 60, 77, 200]) {
    const found: Entry[] = [];
    for (let cookie = 0n; ;) {
      const piece = list(fixture, 3, cookie, length);
      if (piece.length === 0) break;
      found.push(...piece);
      cookie = piece.at(-1)!.cookie;
    }
    assert.deepEqual(found, whole, `in pieces of ${length}`);
  }
  const result = fixture.reserve(4);
  const buffer = fixture.reserve(40);
  fixture.do("fd_readdir", 3, buffer, 10, 0n, result);
  assert.equal(fixture.u32(result), 10, "an entry is cut at the end of the buffer");
  fixture.do("fd_readdir", 3, buffer, 40, whole.at(-1)!.cookie, result);
  assert.equal(fixture.u32(result), 0);
  assert.equal(fixture.call("fd_readdir", 1, buffer, 40, 0n, result), Errno.ENOTDIR);
  assert.equal(fixture.call("fd_readdir", 3, buffer, 40, -1n, result), Errno.EINVAL);
});

process("a read waits for a writer; the iovec is read again after the sleep", (fixture) => {
  const [reader, writer] = pipe(fixture);
  const result = fixture.reserve(4);
  const at = fixture.reserve(10);
  const buffers = fixture.buffers([at, 10]);
  const { context } = fixture;
  const { vfs } = fixture.machine.kernel;
  context.onSleep = () => {
    // What another thread would do: the context's transfer is used, the memory grows, and the pipe gets bytes.
    fixture.guest.memory.grow(1);
    const file = context.lookup(writer, Rights.FD_WRITE);
    const bytes = new TextEncoder().encode("late");
    context.transfer.single(bytes, 0, bytes.length);
    vfs.operationsOf(file).write(vfs, file, context.transfer, -1);
    context.onSleep = undefined;
    fixture.machine.drop(file);
  };
  fixture.do("fd_read", reader, ...buffers, result);
  assert.equal(fixture.text(at, fixture.u32(result)), "late");
  assert.equal(context.sleeps, 1);
});

process("a non-blocking descriptor answers EAGAIN, and takes what goes", (fixture) => {
  const [reader, writer] = pipe(fixture);
  fixture.do("fd_fdstat_set_flags", reader, Fdflags.NONBLOCK);
  fixture.do("fd_fdstat_set_flags", writer, Fdflags.NONBLOCK);
  const result = fixture.reserve(4);
  const buffers = fixture.buffers([1024, 60000]);
  assert.equal(fixture.call("fd_read", reader, ...buffers, result), Errno.EAGAIN);
  fixture.do("fd_write", writer, ...buffers, result);
  fixture.do("fd_write", writer, ...buffers, result);
  assert.equal(fixture.u32(result), 65536 - 60000);
  assert.equal(fixture.call("fd_write", writer, ...buffers, result), Errno.EAGAIN);
  assert.equal(fixture.context.sleeps, 0);
});

process("a blocking write goes on until all is written", (fixture) => {
  const [reader, writer] = pipe(fixture);
  const result = fixture.reserve(4);
  const pattern = (index: number) => (index * 7 + (index >> 8)) & 255;
  const length = 150_000;
  fixture.guest.u8.set(
    Uint8Array.from({ length }, (_, index) => pattern(index)),
    100_000,
  );
  const first = fixture.buffers([100_000, 70_000], [170_000, 0], [170_000, 80_000]);
  const { context } = fixture;
  const received: number[] = [];
  context.onSleep = () => {
    const sleeps = context.sleeps;
    received.push(...fixture.machine.readAll(context.lookup(reader, 0), 30_000));
    context.sleeps = Math.min(sleeps, 1);
  };
  fixture.do("fd_write", writer, ...first, result);
  assert.equal(fixture.u32(result), length);
  context.onSleep = undefined;
  fixture.do("fd_close", writer);
  for (;;) {
    const rest = fixture.machine.readAll(context.lookup(reader, 0), 30_000);
    if (rest.length === 0) break;
    received.push(...rest);
  }
  assert.equal(received.length, length);
  assert.ok(received.every((byte, index) => byte === pattern(index)));
});

process("a signal handler ends a wait: EINTR before the first byte, the count after", (fixture) => {
  const [reader, writer] = pipe(fixture);
  const result = fixture.reserve(4);
  const buffers = fixture.buffers([1024, 60000]);
  assert.equal(fixture.call("fd_read", reader, ...buffers, result), Errno.EINTR);
  assert.deepEqual(fixture.signals, [Signal.USR1]);
  fixture.do("fd_write", writer, ...buffers, result);
  fixture.do("fd_write", writer, ...buffers, result);
  assert.equal(fixture.u32(result), 65536 - 60000);
  assert.equal(fixture.call("fd_write", writer, ...buffers, result), Errno.EINTR);
});

process("a thread that is told to leave while it waits drops what it holds", (fixture) => {
  const [reader] = pipe(fixture);
  fixture.context.signalCallback = "no such export";
  const outcome = fixture.call("fd_read", reader, ...fixture.buffers([1024, 1]), 1024);
  assert.equal(outcome, "process exit");
});

process("a broken pipe is EPIPE, and SIGPIPE for those who handle signals", (fixture) => {
  const [reader, writer] = pipe(fixture);
  fixture.do("fd_close", reader);
  const result = fixture.reserve(4);
  const buffers = fixture.buffers([1024, 5]);
  assert.equal(fixture.call("fd_write", writer, ...buffers, result), Errno.EPIPE);
  assert.deepEqual(fixture.signals, []);
  const { memory } = fixture.machine;
  Process.flags.or(memory, fixture.process, ProcessFlags.handlesSignals);
  assert.equal(fixture.call("fd_write", writer, ...buffers, result), Errno.EPIPE);
  assert.deepEqual(fixture.signals, [Signal.PIPE]);
});

process("a reader that goes away ends a write that has begun with what was taken", (fixture) => {
  const [reader, writer] = pipe(fixture);
  const result = fixture.reserve(4);
  const { context } = fixture;
  context.onSleep = () => {
    context.onSleep = undefined;
    fixture.machine.closeIn(fixture.process, reader);
  };
  fixture.do("fd_write", writer, ...fixture.buffers([1024, 100_000]), result);
  assert.equal(fixture.u32(result), 65536);
});

process("event objects count", (fixture) => {
  const result = fixture.reserve(8);
  const event = (initial: bigint, flags: number) => {
    fixture.do("fd_event", initial, flags, result);
    return fixture.u32(result);
  };
  const value = fixture.reserve(8);
  const eight = fixture.buffers([value, 3], [value + 3, 5]);
  const take = (fd: number) => {
    fixture.do("fd_read", fd, ...eight, result);
    assert.equal(fixture.u32(result), 8);
    return fixture.u64(value);
  };
  const add = (fd: number, amount: bigint) => {
    fixture.guest.view.setBigUint64(value, amount, true);
    return fixture.call("fd_write", fd, ...eight, result);
  };
  const counter = event(5n, 0);
  assert.equal(add(counter, 2n ** 40n), 0);
  assert.equal(take(counter), 2n ** 40n + 5n);
  fixture.do("fd_fdstat_set_flags", counter, Fdflags.NONBLOCK);
  assert.equal(fixture.call("fd_read", counter, ...eight, result), Errno.EAGAIN);
  assert.equal(add(counter, 2n ** 64n - 2n), 0);
  assert.equal(add(counter, 1n), Errno.EAGAIN);
  assert.equal(add(counter, 0n), 0);
  assert.equal(add(counter, 2n ** 64n - 1n), Errno.EINVAL);
  assert.equal(take(counter), 2n ** 64n - 2n);
  const semaphore = event(2n ** 32n, 1);
  assert.equal(take(semaphore), 1n);
  assert.equal(take(semaphore), 1n);
  fixture.do("fd_fdstat_set_flags", semaphore, Fdflags.NONBLOCK);
  const waitless = event(0n, Fdflags.NONBLOCK);
  assert.equal(fixture.call("fd_read", waitless, ...eight, result), Errno.EAGAIN);
  const seven = fixture.buffers([value, 7]);
  assert.equal(fixture.call("fd_read", semaphore, ...seven, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_write", semaphore, ...seven, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_event", -1n, 0, result), Errno.EINVAL);
  assert.equal(fixture.call("fd_seek", semaphore, 0n, 0, result), Errno.ESPIPE);
});

process("advice is checked, syncing works where there is something to sync", (fixture) => {
  const fd = open(fixture, "f", Oflags.CREAT);
  for (let advice = 0; advice < 6; advice++) fixture.do("fd_advise", fd, 0n, 0n, advice);
  assert.equal(fixture.call("fd_advise", fd, 0n, 0n, 6), Errno.EINVAL);
  assert.equal(fixture.call("fd_advise", fd, 0n, -1n, 0), Errno.EINVAL);
  assert.equal(fixture.call("fd_advise", 1, 0n, 0n, 0), Errno.ESPIPE);
  fixture.do("fd_sync", fd);
  fixture.do("fd_datasync", fd);
  fixture.do("fd_sync", 3);
  assert.equal(fixture.call("fd_sync", 1), Errno.EINVAL);
});

process("calls on sockets tell that a descriptor is none", (fixture) => {
  assert.equal(fixture.call("sock_shutdown", 1, 1), Errno.ENOTSOCK);
  assert.equal(fixture.call("sock_listen", 77, 1), Errno.EBADF);
  assert.equal(fixture.call("sock_open", 1, 1, 0, 8), Errno.EAFNOSUPPORT);
  assert.equal(fixture.call("epoll_wait", 1, 8, 1, 0n, 8), Errno.EINVAL);
});
