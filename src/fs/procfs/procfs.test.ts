import assert from "node:assert/strict";
import test from "node:test";
import { FixtureMachine, SyscallFixture } from "../../../tests/support/syscall-fixture.ts";
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { Lookupflags, Oflags, Rights } from "../../abi/flags.ts";
import { Dirent, Filestat } from "../../abi/layouts.ts";

/** Runs a test on two processes of a machine with `/dev` and `/proc`. */
function processes(name: string, body: (first: SyscallFixture, second: SyscallFixture) => void) {
  test(name, () => {
    const machine = new FixtureMachine();
    machine.mountDevices();
    const first = new SyscallFixture(machine);
    const second = new SyscallFixture(machine);
    // Both run on this agent.
    machine.kernel.vfs.caller = first.process;
    body(first, second);
    first.end();
    second.end();
    machine.destroy();
  });
}

const READ = BigInt(Rights.FD_READ | Rights.FD_READDIR | Rights.FD_SEEK | Rights.FD_FILESTAT_GET);
const FOLLOW = Lookupflags.SYMLINK_FOLLOW;

/** Opens a path; the descriptor, or a negated errno. */
function open(fixture: SyscallFixture, path: string, rights = READ, oflags = 0): number {
  const result = fixture.reserve(4);
  const at = fixture.path(path);
  const errno = fixture.call("path_open", 3, FOLLOW, ...at, oflags, rights, 0n, 0, result);
  return errno === 0 ? fixture.u32(result) : -(errno as number);
}

function read(fixture: SyscallFixture, fd: number): string {
  let text = "";
  for (;;) {
    const at = fixture.reserve(100);
    const result = fixture.reserve(4);
    fixture.do("fd_read", fd, ...fixture.buffers([at, 100]), result);
    const count = fixture.u32(result);
    if (count === 0) return text;
    text += fixture.text(at, count);
  }
}

function readFile(fixture: SyscallFixture, path: string): string {
  const fd = open(fixture, path);
  assert.ok(fd >= 0, `${path}: ${fd}`);
  const text = read(fixture, fd);
  fixture.do("fd_close", fd);
  return text;
}

function readlink(fixture: SyscallFixture, path: string): string | number {
  const at = fixture.reserve(100);
  const result = fixture.reserve(4);
  const errno = fixture.call("path_readlink", 3, ...fixture.path(path), at, 100, result);
  return errno === 0 ? fixture.text(at, fixture.u32(result)) : -(errno as number);
}

function list(fixture: SyscallFixture, path: string): string[] {
  const fd = open(fixture, path, READ, Oflags.DIRECTORY);
  assert.ok(fd >= 0, `${path}: ${fd}`);
  const names: string[] = [];
  let cookie = 0n;
  // Little room, so that many calls are made.
  const room = 70;
  for (;;) {
    const at = fixture.reserve(room);
    const result = fixture.reserve(4);
    fixture.do("fd_readdir", fd, at, room, cookie, result);
    const used = fixture.u32(result);
    let place = 0;
    while (place + Dirent.$size <= used) {
      const length = fixture.u32(at + place + Dirent.d_namlen);
      if (place + Dirent.$size + length > used) break;
      cookie = fixture.u64(at + place + Dirent.d_next);
      names.push(fixture.text(at + place + Dirent.$size, length));
      place += Dirent.$size + length;
    }
    if (used < room) break;
  }
  fixture.do("fd_close", fd);
  return names.filter((name) => name !== "." && name !== "..");
}

function typeAt(fixture: SyscallFixture, path: string, lookup = 0): number {
  const at = fixture.reserve(Filestat.$size);
  const errno = fixture.call("path_filestat_get", 3, lookup, ...fixture.path(path), at);
  return errno === 0 ? fixture.guest.u8[at + Filestat.filetype] : -(errno as number);
}

const OWN = ["cmdline", "cwd", "environ", "exe", "fd", "mounts", "root", "stat", "status"];

processes("what is listed", (fixture) => {
  const general = ["cpuinfo", "meminfo", "mounts", "self", "uptime"];
  assert.deepEqual(list(fixture, "/proc"), [...general, "1", "2"]);
  assert.deepEqual(list(fixture, "/proc/1"), OWN);
  assert.deepEqual(list(fixture, "/proc/self"), OWN);
  assert.deepEqual(list(fixture, "/proc/2"), OWN);
  for (const name of ["fd", "self/fd"].map((path) => (path === "fd" ? "/dev/fd" : `/proc/${path}`)))
    assert.deepEqual(list(fixture, name), ["0", "1", "3", "2"].sort());
  assert.equal(typeAt(fixture, "/proc/3"), -Errno.ENOENT);
  for (const name of ["0", "01", "-1", "+1", "1.", "99999999999", "1x"])
    assert.equal(typeAt(fixture, `/proc/${name}`), -Errno.ENOENT, name);
  assert.equal(typeAt(fixture, "/proc/self/../2/../1/fd/../status"), Filetype.REGULAR_FILE);
});

processes("a process's files", (fixture) => {
  assert.equal(readFile(fixture, "/proc/self/cmdline"), "program\0argument\0");
  assert.equal(readFile(fixture, "/proc/2/environ"), "NAME=value\0");
  const status = readFile(fixture, "/proc/self/status");
  assert.match(status, /^Name:\tprogram\nState:\tR \(running\)\nTgid:\t1\nPid:\t1\nPPid:\t0\n/);
  assert.match(status, /\nThreads:\t1\n/);
  const stat = readFile(fixture, "/proc/2/stat");
  assert.match(stat, /^2 \(program\) R 0 2 2 0 -1 .*\n$/);
  assert.equal(stat.trimEnd().split(" ").length, 52);
  assert.equal(readlink(fixture, "/proc/self"), "1");
  assert.equal(readlink(fixture, "/proc/self/cwd"), "/");
  fixture.do("path_create_directory", 3, ...fixture.path("d"));
  fixture.do("chdir", ...fixture.path("/d"));
  assert.equal(readlink(fixture, "/proc/1/cwd"), "/d");
  assert.equal(readlink(fixture, "/proc/2/cwd"), "/");
  assert.equal(readlink(fixture, "/proc/self/root"), "/");
  // The program's own name is no path.
  assert.equal(readlink(fixture, "/proc/self/exe"), -Errno.ENOENT);
  assert.equal(
    readFile(fixture, "/proc/mounts"),
    "tmpfs / tmpfs rw 0 0\ndevfs /dev devfs rw 0 0\nproc /proc proc rw 0 0\n",
  );
});

processes("the machine's files", (fixture) => {
  assert.match(readFile(fixture, "/proc/cpuinfo"), /^processor\t: 0\n[^]*\n\n$/);
  assert.match(
    readFile(fixture, "/proc/meminfo"),
    /^MemTotal: +4194304 kB\nMemFree: +4194304 kB\n/,
  );
  assert.match(readFile(fixture, "/proc/uptime"), /^\d+\.\d\d 0\.00\n$/);
});

processes("a file holds what was so when it was opened", (fixture) => {
  const fd = open(fixture, "/proc/self/status");
  const at = fixture.reserve(20);
  const result = fixture.reserve(8);
  fixture.do("fd_pread", fd, ...fixture.buffers([at, 4]), 6n, result);
  assert.equal(fixture.text(at, 4), "prog");
  fixture.do("fd_seek", fd, -10n, 2, result);
  assert.equal(read(fixture, fd).length, 10);
  fixture.do("fd_seek", fd, 1000n, 0, result);
  assert.equal(read(fixture, fd), "");
  fixture.do("fd_filestat_get", fd, fixture.reserve(Filestat.$size));
  assert.equal(fixture.call("fd_write", fd, ...fixture.buffers([at, 1]), result), Errno.EBADF);
});

processes("descriptors as files", (fixture) => {
  const result = fixture.reserve(8);
  fixture.do("path_open", 3, 0, ...fixture.path("f"), Oflags.CREAT, -1n, -1n, 0, result);
  const fd = fixture.u32(result);
  const write = (to: number, text: string) => {
    fixture.do("fd_write", to, ...fixture.buffers([fixture.put(text), text.length]), result);
  };
  write(fd, "hello");
  const again = open(fixture, `/proc/self/fd/${fd}`, -1n);
  assert.ok(again > fd);
  // The same open file, with its offset.
  write(again, " world");
  fixture.do("fd_seek", fd, 0n, 0, result);
  assert.equal(read(fixture, again), "hello world");
  assert.equal(typeAt(fixture, `/dev/fd/${fd}`, FOLLOW), Filetype.REGULAR_FILE);
  assert.ok(open(fixture, `/dev/fd/${fd}`, BigInt(Rights.FD_WRITE), Oflags.TRUNC) > 0);
  fixture.do("fd_seek", fd, 0n, 0, result);
  assert.equal(read(fixture, fd), "");
  // Through a directory's descriptor one walks on.
  assert.equal(typeAt(fixture, "/proc/self/fd/3/f"), Filetype.REGULAR_FILE);
  assert.equal(typeAt(fixture, `/proc/self/fd/${fd}/f`), -Errno.ENOTDIR);
  // A pipe's end is open for one thing only, and so is what has the right to one only.
  assert.equal(open(fixture, "/dev/stdout"), -Errno.EACCES);
  const out = open(fixture, "/dev/stdout", BigInt(Rights.FD_WRITE));
  write(out, "printed");
  assert.equal(fixture.output(), "printed");
  fixture.do("fd_fdstat_set_rights", fd, BigInt(Rights.FD_READ), 0n);
  assert.equal(open(fixture, `/dev/fd/${fd}`, BigInt(Rights.FD_WRITE)), -Errno.EACCES);
  assert.ok(open(fixture, `/dev/fd/${fd}`) > 0);
  assert.equal(readlink(fixture, "/proc/self/fd/99"), -Errno.ENOENT);
  assert.match(readlink(fixture, "/proc/self/fd/0") as string, /^pipe:\[\d+\]$/);
  assert.match(readlink(fixture, "/proc/self/fd/3") as string, /^inode:\[1:\d+\]$/);
  fixture.do("epoll_create", result);
  const set = fixture.u32(result);
  assert.equal(readlink(fixture, `/proc/self/fd/${set}`), "anon_inode:[eventpoll]");
});

processes("nobody sees another process's descriptors", (fixture) => {
  for (const path of ["/proc/2/fd/0", "/proc/2/fd/1", "/proc/2/fd/3", "/proc/2/fd/3/f"]) {
    assert.equal(typeAt(fixture, path), -Errno.EACCES, path);
    assert.equal(open(fixture, path), -Errno.EACCES, path);
    assert.equal(readlink(fixture, path), -Errno.EACCES, path);
  }
  const fd = open(fixture, "/proc/2/fd", READ, Oflags.DIRECTORY);
  const at = fixture.reserve(100);
  assert.equal(fixture.call("fd_readdir", fd, at, 100, 0n, at), Errno.EACCES);
  // The host program has no descriptors either.
  fixture.machine.kernel.vfs.caller = 0;
  assert.equal(readlink(fixture, "/proc/self"), -Errno.ENOENT);
  assert.equal(open(fixture, "/proc/self/status"), -Errno.ENOENT);
  assert.equal(open(fixture, "/proc/1/fd/0"), -Errno.EACCES);
});

processes("nothing in it changes", (fixture) => {
  const WRITE = BigInt(Rights.FD_WRITE);
  assert.equal(open(fixture, "/proc/self/status", WRITE), -Errno.EACCES);
  assert.equal(open(fixture, "/proc/self/status", READ, Oflags.TRUNC), -Errno.EACCES);
  assert.equal(open(fixture, "/proc/new", WRITE, Oflags.CREAT), -Errno.EACCES);
  assert.equal(open(fixture, "/proc/self/new", WRITE, Oflags.CREAT), -Errno.EACCES);
  assert.equal(open(fixture, "/proc/self", WRITE), -Errno.EISDIR);
  assert.equal(open(fixture, "/proc/meminfo", READ, Oflags.DIRECTORY), -Errno.ENOTDIR);
  assert.equal(open(fixture, "/proc/meminfo", READ, Oflags.CREAT | Oflags.EXCL), -Errno.EEXIST);
  const errnoOf = (name: string, ...paths: string[]) =>
    fixture.call(name, ...paths.flatMap((path) => [3, ...fixture.path(path)]));
  assert.equal(errnoOf("path_create_directory", "/proc/new"), Errno.EACCES);
  assert.equal(errnoOf("path_create_directory", "/proc/self"), Errno.EEXIST);
  assert.equal(errnoOf("path_unlink_file", "/proc/meminfo"), Errno.EACCES);
  assert.equal(errnoOf("path_remove_directory", "/proc/1"), Errno.EACCES);
  assert.equal(errnoOf("path_rename", "/proc/meminfo", "/proc/other"), Errno.EACCES);
});

processes("a process that has ended is gone", (fixture, second) => {
  const directory = open(fixture, "/proc/2", READ, Oflags.DIRECTORY);
  const other = new SyscallFixture(fixture.machine);
  fixture.machine.kernel.vfs.caller = fixture.process;
  const status = open(fixture, "/proc/3/status");
  assert.equal(list(fixture, "/proc").at(-1), "3");
  other.end();
  assert.equal(list(fixture, "/proc").at(-1), "2");
  assert.equal(open(fixture, "/proc/3/status"), -Errno.ENOENT);
  // What was open tells what was.
  assert.match(read(fixture, status), /\nPid:\t3\n/);
  assert.ok(directory > 0 && second.process > 0);
});
