import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Fdflagsext, Fstflags, Lookupflags, Oflags, Rights } from "../abi/flags.ts";
import { Filestat } from "../abi/layouts.ts";
import { FilestatSnapshot0 } from "../abi/snapshot0-layouts.ts";

const ALL = -1n;
const READ = BigInt(Rights.FD_READ);
const WRITE = BigInt(Rights.FD_WRITE);
/** What a C library asks for when it opens a directory: all but what writes. */
const LISTING = ~BigInt(Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE);
const FOLLOW = Lookupflags.SYMLINK_FOLLOW;
const { CREAT, DIRECTORY, EXCL, TRUNC } = Oflags;

/** Calls with plain paths below descriptor 3; each answers the errno. */
class Calls {
  readonly result: number;

  constructor(readonly fixture: SyscallFixture) {
    this.result = fixture.reserve(64);
  }

  open(path: string, oflags = 0, rights = ALL, lookup: number = FOLLOW, base = 3) {
    const { fixture, result } = this;
    const at = fixture.path(path);
    return fixture.call("path_open", base, lookup, ...at, oflags, rights, ALL, 0, result);
  }
  /** The same, that must succeed; the descriptor. */
  opened(...args: Parameters<Calls["open"]>): number {
    assert.equal(this.open(...args), 0, `open ${args[0]}`);
    return this.fixture.u32(this.result);
  }
  put(path: string, text = ""): void {
    const { fixture } = this;
    const fd = this.opened(path, CREAT | TRUNC);
    fixture.do("fd_write", fd, ...fixture.buffers([fixture.put(text), text.length]), this.result);
    fixture.do("fd_close", fd);
  }
  text(path: string): string {
    const { fixture } = this;
    const fd = this.opened(path, 0, READ);
    const at = fixture.reserve(100);
    fixture.do("fd_read", fd, ...fixture.buffers([at, 100]), this.result);
    fixture.do("fd_close", fd);
    return fixture.text(at, fixture.u32(this.result));
  }
  mkdir(path: string) {
    return this.fixture.call("path_create_directory", 3, ...this.fixture.path(path));
  }
  rmdir(path: string) {
    return this.fixture.call("path_remove_directory", 3, ...this.fixture.path(path));
  }
  unlink(path: string) {
    return this.fixture.call("path_unlink_file", 3, ...this.fixture.path(path));
  }
  symlink(target: string, path: string) {
    const { fixture } = this;
    return fixture.call("path_symlink", ...fixture.path(target), 3, ...fixture.path(path));
  }
  link(from: string, to: string, flags = 0) {
    const { fixture } = this;
    return fixture.call("path_link", 3, flags, ...fixture.path(from), 3, ...fixture.path(to));
  }
  rename(from: string, to: string) {
    const { fixture } = this;
    return fixture.call("path_rename", 3, ...fixture.path(from), 3, ...fixture.path(to));
  }
  stat(path: string, flags: number = FOLLOW) {
    const { fixture } = this;
    return fixture.call("path_filestat_get", 3, flags, ...fixture.path(path), this.result);
  }
  typeOf(path: string, flags: number = FOLLOW): number {
    assert.equal(this.stat(path, flags), 0, path);
    return this.fixture.guest.u8[this.result + Filestat.filetype];
  }
  touch(path: string, flags: number = FOLLOW) {
    const { fixture } = this;
    const at = fixture.path(path);
    return fixture.call("path_filestat_set_times", 3, flags, ...at, 0n, 9n, Fstflags.MTIM);
  }
  readlink(path: string, room = 100): string | unknown {
    const { fixture } = this;
    const at = fixture.reserve(100);
    const errno = fixture.call("path_readlink", 3, ...fixture.path(path), at, room, this.result);
    return errno === 0 ? fixture.text(at, fixture.u32(this.result)) : errno;
  }
  chdir(path: string) {
    return this.fixture.call("chdir", ...this.fixture.path(path));
  }
  cwd(): string {
    const { fixture } = this;
    const at = fixture.reserve(200);
    fixture.guest.view.setUint32(this.result, 200, true);
    fixture.do("getcwd", at, this.result);
    return fixture.text(at, fixture.u32(this.result));
  }
}

function process(name: string, body: (calls: Calls, fixture: SyscallFixture) => void): void {
  test(
    name,
    withProcess((fixture) => body(new Calls(fixture), fixture)),
  );
}

process("opening makes, truncates and insists", (calls) => {
  assert.equal(calls.open("f"), Errno.ENOENT);
  calls.put("f", "text");
  assert.equal(calls.text("f"), "text");
  assert.equal(calls.open("f", CREAT | EXCL), Errno.EEXIST);
  assert.equal(calls.open("f", EXCL), 0, "exclusive means nothing without create");
  assert.equal(calls.open("f", CREAT | DIRECTORY), Errno.EINVAL);
  assert.equal(calls.open("f", DIRECTORY), Errno.ENOTDIR);
  assert.equal(calls.open("none/f", CREAT), Errno.ENOENT);
  assert.equal(calls.open("f/g", CREAT), Errno.ENOTDIR);
  assert.equal(calls.open("", CREAT), Errno.ENOENT);
  calls.opened("f", TRUNC, WRITE);
  assert.equal(calls.text("f"), "");
});

process("directories open for reading only", (calls) => {
  assert.equal(calls.mkdir("d"), 0);
  for (const path of ["d", "d/", "d/.", ".", "/", "d/.."]) {
    assert.equal(calls.open(path, 0, READ), 0, path);
    assert.equal(calls.open(path, DIRECTORY, READ), 0, path);
    assert.equal(calls.open(path, 0, WRITE), Errno.EISDIR, path);
    assert.equal(calls.open(path, TRUNC, READ), Errno.EISDIR, path);
    assert.equal(calls.open(path, CREAT, READ), Errno.EISDIR, path);
    assert.equal(
      calls.open(path, CREAT | EXCL, READ),
      path === "d/" ? Errno.EISDIR : Errno.EEXIST,
      path,
    );
  }
});

process("relative paths start at a directory, absolute ones at the root", (calls, fixture) => {
  calls.mkdir("a");
  calls.mkdir("a/b");
  calls.put("a/b/f", "deep");
  calls.put("g", "top");
  const a = calls.opened("a", DIRECTORY, LISTING);
  const read = (path: string) => {
    const fd = calls.opened(path, 0, READ, FOLLOW, a);
    fixture.do("fd_close", fd);
  };
  for (const path of ["b/f", "/g", "../g", "../../../g", "b/../../g", "/a/b/f"]) read(path);
  const f = calls.opened("g");
  assert.equal(calls.open("x", 0, ALL, FOLLOW, f), Errno.ENOTDIR);
  assert.equal(calls.open("x", 0, ALL, FOLLOW, 1), Errno.ENOTDIR);
  assert.equal(calls.open("x", 0, ALL, FOLLOW, 77), Errno.EBADF);
});

process("new rights are those that were asked for and passed on", (calls, fixture) => {
  calls.mkdir("d");
  calls.put("d/f", "x");
  const inheriting = BigInt(Rights.PATH_OPEN | Rights.FD_READ | Rights.FD_SEEK);
  const status = fixture.reserve(24);
  const { result } = calls;
  const at = fixture.path("d");
  fixture.do("path_open", 3, 0, ...at, 0, LISTING, inheriting, 0, result);
  const d = fixture.u32(result);
  fixture.do("fd_fdstat_get", d, status);
  assert.equal(fixture.u64(status + 16), inheriting);
  fixture.do("path_open", d, 0, ...fixture.path("f"), 0, ALL, ALL, 0, result);
  const f = fixture.u32(result);
  fixture.do("fd_fdstat_get", f, status);
  assert.equal(fixture.u64(status + 8), inheriting);
  const one = fixture.buffers([1024, 1]);
  assert.equal(fixture.call("fd_write", f, ...one, result), Errno.EBADF);
  assert.equal(fixture.call("fd_read", f, ...one, result), 0);
  // Without the right to make files, and a directory without any.
  fixture.do("fd_fdstat_set_rights", d, BigInt(Rights.PATH_OPEN), 0n);
  assert.equal(calls.open("new", CREAT, ALL, 0, d), Errno.ENOTCAPABLE);
  assert.equal(calls.open("f", TRUNC, ALL, 0, d), Errno.ENOTCAPABLE);
  fixture.do("fd_fdstat_set_rights", f, 0n, 0n);
  assert.equal(calls.open("f", 0, ALL, 0, f), Errno.ENOTDIR);
});

process("close-on-exec comes with open", (calls, fixture) => {
  calls.put("f");
  const at = fixture.path("f");
  fixture.do("path_open2", 3, 0, ...at, 0, ALL, ALL, 0, Fdflagsext.CLOEXEC, calls.result);
  fixture.do("fd_fdflags_get", fixture.u32(calls.result), calls.result);
  assert.equal(fixture.u32(calls.result) & 0xffff, Fdflagsext.CLOEXEC);
});

process("symbolic links as the last name", (calls) => {
  calls.put("f", "target");
  assert.equal(calls.symlink("f", "l"), 0);
  assert.equal(calls.symlink("nowhere", "dangling"), 0);
  assert.equal(calls.text("l"), "target");
  assert.equal(calls.open("l", 0, READ, 0), Errno.ELOOP);
  assert.equal(calls.open("l", DIRECTORY, READ, 0), Errno.ENOTDIR);
  assert.equal(calls.open("l", CREAT | EXCL), Errno.EEXIST);
  assert.equal(calls.open("dangling"), Errno.ENOENT);
  assert.equal(calls.open("dangling", CREAT | EXCL), Errno.EEXIST);
  assert.equal(calls.open("dangling", CREAT), 0);
  assert.equal(calls.typeOf("nowhere"), Filetype.REGULAR_FILE);
  assert.equal(calls.typeOf("l"), Filetype.REGULAR_FILE);
  assert.equal(calls.typeOf("l", 0), Filetype.SYMBOLIC_LINK);
  assert.equal(calls.stat("l/", 0), Errno.ENOTDIR);
  calls.mkdir("d");
  calls.symlink("/d", "ld");
  assert.equal(calls.typeOf("ld", 0), Filetype.SYMBOLIC_LINK);
  assert.equal(calls.typeOf("ld/", 0), Filetype.DIRECTORY);
  assert.equal(calls.open("ld/", 0, READ, 0), 0);
  calls.symlink("loop", "loop");
  assert.equal(calls.stat("loop"), Errno.ELOOP);
  assert.equal(calls.open("loop"), Errno.ELOOP);
});

process("links tell their targets", (calls) => {
  assert.equal(calls.symlink("some/where", "l"), 0);
  assert.equal(calls.readlink("l"), "some/where");
  assert.equal(calls.readlink("l", 4), "some");
  assert.equal(calls.readlink("l", 0), Errno.EINVAL);
  calls.put("f");
  calls.mkdir("d");
  assert.equal(calls.readlink("f"), Errno.EINVAL);
  assert.equal(calls.readlink("d"), Errno.EINVAL);
  assert.equal(calls.readlink("."), Errno.EINVAL);
  assert.equal(calls.readlink("none"), Errno.ENOENT);
  assert.equal(calls.symlink("", "e"), Errno.ENOENT);
  assert.equal(calls.symlink("x".repeat(4096), "e"), Errno.ENAMETOOLONG);
  assert.equal(calls.symlink("a\0b", "e"), Errno.EINVAL);
  assert.equal(calls.symlink("x", "l"), Errno.EEXIST);
  assert.equal(calls.symlink("x", "d/"), Errno.EEXIST);
  assert.equal(calls.symlink("x", "new/"), Errno.ENOENT);
  assert.equal(calls.symlink("x", "."), Errno.EEXIST);
});

process("directories are made and removed", (calls) => {
  assert.equal(calls.mkdir("d"), 0);
  assert.equal(calls.mkdir("d"), Errno.EEXIST);
  assert.equal(calls.mkdir("d/e/"), 0);
  for (const path of [".", "..", "/", "d/.", "d/e/.."])
    assert.equal(calls.mkdir(path), Errno.EEXIST);
  assert.equal(calls.mkdir("none/d"), Errno.ENOENT);
  calls.put("f");
  assert.equal(calls.mkdir("f"), Errno.EEXIST);
  assert.equal(calls.rmdir("d"), Errno.ENOTEMPTY);
  assert.equal(calls.rmdir("d/e/."), Errno.EINVAL);
  assert.equal(calls.rmdir("d/e/.."), Errno.ENOTEMPTY);
  assert.equal(calls.rmdir("."), Errno.EINVAL);
  assert.equal(calls.rmdir("/"), Errno.EBUSY);
  assert.equal(calls.rmdir("f"), Errno.ENOTDIR);
  assert.equal(calls.rmdir("none"), Errno.ENOENT);
  assert.equal(calls.rmdir("d/e/"), 0);
  assert.equal(calls.rmdir("d"), 0);
  assert.equal(calls.stat("d"), Errno.ENOENT);
});

process("names are removed, directories are not", (calls, fixture) => {
  calls.put("f", "kept");
  calls.mkdir("d");
  calls.symlink("d", "l");
  const fd = calls.opened("f");
  assert.equal(calls.unlink("f/"), Errno.ENOTDIR);
  assert.equal(calls.unlink("f"), 0);
  assert.equal(calls.unlink("f"), Errno.ENOENT);
  for (const path of ["d", "d/", "d/.", "/"]) assert.equal(calls.unlink(path), Errno.EISDIR, path);
  assert.equal(calls.unlink("l/"), Errno.ENOTDIR);
  assert.equal(calls.unlink("l"), 0);
  const at = fixture.reserve(8);
  fixture.do("fd_read", fd, ...fixture.buffers([at, 8]), calls.result);
  assert.equal(fixture.text(at, 4), "kept", "an open file lives without a name");
});

process("files get more names", (calls) => {
  calls.put("f", "shared");
  calls.mkdir("d");
  calls.symlink("f", "l");
  assert.equal(calls.link("f", "d/g"), 0);
  assert.equal(calls.text("d/g"), "shared");
  assert.equal(calls.link("f", "d/g"), Errno.EEXIST);
  assert.equal(calls.link("f", "new/"), Errno.ENOENT);
  assert.equal(calls.link("f/", "new"), Errno.ENOTDIR);
  assert.equal(calls.link("d", "new"), Errno.EPERM);
  assert.equal(calls.link(".", "new"), Errno.EPERM);
  assert.equal(calls.link("d", "f"), Errno.EEXIST);
  assert.equal(calls.link("f", "."), Errno.EEXIST);
  assert.equal(calls.link("none", "new"), Errno.ENOENT);
  assert.equal(calls.link("l", "same"), 0);
  assert.equal(calls.typeOf("same", 0), Filetype.SYMBOLIC_LINK);
  assert.equal(calls.link("l", "followed", FOLLOW), 0);
  assert.equal(calls.typeOf("followed", 0), Filetype.REGULAR_FILE);
});

process("names are changed", (calls) => {
  calls.put("f", "one");
  calls.put("g", "two");
  calls.mkdir("d");
  calls.mkdir("e");
  assert.equal(calls.rename("f", "g"), 0);
  assert.equal(calls.text("g"), "one");
  assert.equal(calls.stat("f"), Errno.ENOENT);
  assert.equal(calls.rename("g", "d"), Errno.EISDIR);
  assert.equal(calls.rename("d", "g"), Errno.ENOTDIR);
  assert.equal(calls.rename("g", "new/"), Errno.ENOTDIR);
  assert.equal(calls.rename("g/", "new"), Errno.ENOTDIR);
  assert.equal(calls.rename("d/", "h/"), 0);
  assert.equal(calls.rename("h", "h/inside"), Errno.EINVAL);
  assert.equal(calls.rename("h", "e"), 0);
  assert.equal(calls.rename("g", "e/g"), 0);
  assert.equal(calls.rename("e", "none/e"), Errno.ENOENT);
  for (const path of [".", "..", "/", "e/.", "e/.."]) {
    assert.equal(calls.rename(path, "x"), Errno.EBUSY, path);
    assert.equal(calls.rename("e", path), Errno.EBUSY, path);
  }
  assert.equal(calls.text("e/g"), "one");
});

process("times are set through links or on them", (calls, fixture) => {
  calls.put("f");
  calls.symlink("f", "l");
  const modified = (path: string, flags: number) => {
    assert.equal(calls.stat(path, flags), 0);
    return fixture.u64(calls.result + Filestat.mtim);
  };
  assert.equal(calls.touch("l"), 0);
  assert.equal(modified("f", 0), 9n);
  assert.notEqual(modified("l", 0), 9n);
  assert.equal(calls.touch("l", 0), 0);
  assert.equal(modified("l", 0), 9n);
  assert.equal(calls.touch("."), 0);
  assert.equal(modified("/", 0), 9n);
  assert.equal(calls.touch("none"), Errno.ENOENT);
});

process("the first snapshot has its own filestat", (calls, fixture) => {
  calls.put("f", "12345");
  const at = fixture.path("f");
  assert.equal(fixture.callIn("wasi_unstable", "path_filestat_get", 3, 0, ...at, calls.result), 0);
  assert.equal(fixture.u64(calls.result + FilestatSnapshot0.size), 5n);
  assert.equal(fixture.u32(calls.result + FilestatSnapshot0.nlink), 1);
});

process("bad paths", (calls, fixture) => {
  const long = "n".repeat(256);
  assert.equal(calls.mkdir(long), Errno.ENAMETOOLONG);
  assert.equal(calls.stat("a/".repeat(2100)), Errno.ENAMETOOLONG);
  assert.equal(calls.mkdir("a\0b"), Errno.EINVAL);
  assert.equal(calls.mkdir(""), Errno.ENOENT);
  assert.equal(fixture.call("path_create_directory", 3, 16, -1), Errno.EMEMVIOLATION);
  assert.equal(fixture.call("path_create_directory", 3, -16, 8), Errno.EMEMVIOLATION);
});

process("a read-only mount refuses changes", (calls, fixture) => {
  calls.mkdir("ro");
  fixture.machine.mount("ro", { readOnly: true }, (inside) => {
    inside.file("f");
    inside.directory("d");
    inside.link("f", "l");
  });
  const { EROFS, EEXIST, ENOENT, EISDIR, EBUSY, EXDEV } = Errno;
  calls.put("f");
  assert.equal(calls.open("ro/f", 0, READ), 0);
  assert.equal(calls.open("ro/f", CREAT, READ), 0);
  assert.equal(calls.open("ro/f", 0, WRITE), EROFS);
  assert.equal(calls.open("ro/f", TRUNC, READ), EROFS);
  assert.equal(calls.open("ro/l", 0, WRITE), EROFS);
  assert.equal(calls.open("ro/f", CREAT | EXCL), EEXIST);
  assert.equal(calls.open("ro/new", CREAT), EROFS);
  assert.equal(calls.open("ro/new", 0, WRITE), ENOENT);
  assert.equal(calls.open("ro/d", 0, WRITE), EISDIR);
  assert.equal(calls.mkdir("ro/new"), EROFS);
  assert.equal(calls.mkdir("ro/d"), EEXIST);
  assert.equal(calls.rmdir("ro/d"), EROFS);
  assert.equal(calls.unlink("ro/f"), EROFS);
  assert.equal(calls.symlink("x", "ro/new"), EROFS);
  assert.equal(calls.link("ro/f", "ro/new"), EROFS);
  assert.equal(calls.rename("ro/f", "ro/new"), EROFS);
  assert.equal(calls.touch("ro/f"), EROFS);
  assert.equal(calls.touch("ro"), EROFS);
  // The mount itself stays where it is, and nothing crosses its border.
  assert.equal(calls.rmdir("ro"), EBUSY);
  assert.equal(calls.rmdir("ro/d/.."), Errno.ENOTEMPTY);
  assert.equal(calls.unlink("ro"), EISDIR);
  assert.equal(calls.rename("f", "ro/f"), EXDEV);
  assert.equal(calls.rename("ro/f", "g"), EXDEV);
  assert.equal(calls.link("ro/f", "g"), EXDEV);
  assert.equal(calls.rename("ro", "moved"), EBUSY);
  assert.equal(calls.stat("ro/../f"), 0);
  assert.equal(calls.text("ro/l"), "");
});

process("the working directory is told as an absolute path", (calls, fixture) => {
  assert.equal(calls.cwd(), "/");
  calls.mkdir("a");
  calls.mkdir("a/b");
  calls.symlink("a/b", "l");
  calls.put("f");
  assert.equal(calls.chdir("a//./b/"), 0);
  assert.equal(calls.cwd(), "/a/b");
  assert.equal(calls.chdir(".."), 0);
  assert.equal(calls.cwd(), "/a");
  assert.equal(calls.chdir("../../l"), 0);
  assert.equal(calls.cwd(), "/a/b", "links are left out");
  assert.equal(calls.chdir("/l/../b/."), 0);
  assert.equal(calls.cwd(), "/a/b");
  assert.equal(calls.chdir("/l/.."), 0);
  assert.equal(calls.cwd(), "/a");
  assert.equal(calls.chdir("/"), 0);
  assert.equal(calls.chdir("f"), Errno.ENOTDIR);
  assert.equal(calls.chdir("none"), Errno.ENOENT);
  assert.equal(calls.chdir(""), Errno.ENOENT);
  assert.equal(calls.chdir("x".repeat(5000)), Errno.ENAMETOOLONG);
  assert.equal(calls.cwd(), "/");
  assert.equal(calls.chdir("/a/b"), 0);
  const at = fixture.reserve(8);
  const { view, u8 } = fixture.guest;
  u8.fill(255, at, at + 8);
  view.setUint32(calls.result, 3, true);
  assert.equal(fixture.call("getcwd", at, calls.result), Errno.ERANGE);
  assert.equal(fixture.u32(calls.result), 4);
  view.setUint32(calls.result, 4, true);
  fixture.do("getcwd", at, calls.result);
  assert.deepEqual([...u8.slice(at, at + 6)], [47, 97, 47, 98, 255, 255]);
  view.setUint32(calls.result, 5, true);
  fixture.do("getcwd", at, calls.result);
  assert.equal(u8[at + 4], 0);
  assert.equal(u8[at + 5], 255);
  view.setUint32(calls.result, 5, true);
  assert.equal(fixture.call("getcwd", 0, calls.result), Errno.EINVAL);
  view.setUint32(calls.result, 50, true);
  assert.equal(fixture.call("getcwd", -3, calls.result), Errno.EMEMVIOLATION);
});
