/** What every filesystem owes those who read: files, links, status, listings, names. */
import assert from "node:assert/strict";
import { Errno } from "../../../src/abi/errno.ts";
import { DIRECTORY, O, REGULAR_FILE, SYMBOLIC_LINK } from "../posix-calls.ts";
import { SOME, fails, reading } from "./contract.ts";

const { EBADF, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } = Errno;

reading("files are read from their start and at any place", SOME, (calls) => {
  const fd = calls.opened("file");
  assert.equal(calls.read(fd, 3), "con");
  assert.equal(calls.read(fd, 100), "tent");
  assert.equal(calls.read(fd, 100), "");
  assert.equal(calls.pread(fd, 3, 2), "nte");
  assert.equal(calls.pread(fd, 3, 6), "t");
  assert.equal(calls.pread(fd, 3, 7), "");
  assert.equal(calls.pread(fd, 3, 2 ** 40), "");
  assert.equal(calls.seek(fd, 0, 1), 7, "pread leaves the offset");
  assert.equal(calls.seek(fd, -2, 2), 5);
  assert.equal(calls.read(fd), "nt");
  fails(calls.seek(fd, -8, 2), EINVAL);
  assert.equal(calls.seek(fd, 100), 100);
  assert.equal(calls.read(fd), "");
  fails(calls.write(fd, "x"), EBADF);
  const twin = calls.duplicate(fd);
  assert.equal(calls.seek(fd, 1), 1);
  assert.equal(calls.read(twin, 2), "on", "duplicates share the offset");
  assert.equal(calls.seek(fd, 0, 1), 3);
  calls.close(fd);
  assert.equal(calls.read(twin, 1), "t");
  calls.close(twin);
  assert.equal(calls.text("empty"), "");
  assert.equal(calls.text("dir/sub/leaf"), "leaf");
});

reading("opening says why it cannot be", SOME, (calls) => {
  fails(calls.tryOpen("none"), ENOENT);
  fails(calls.tryOpen("none/file"), ENOENT);
  fails(calls.tryOpen("file/none"), ENOTDIR);
  fails(calls.tryOpen("file/"), ENOTDIR);
  fails(calls.tryOpen("file", O.DIRECTORY), ENOTDIR);
  fails(calls.tryOpen("file/."), ENOTDIR);
  fails(calls.tryOpen("file/.."), ENOTDIR);
  fails(calls.tryOpen(""), ENOENT);
  fails(calls.tryOpen("dir", O.WRONLY), EISDIR);
  fails(calls.tryOpen("dir", O.RDWR), EISDIR);
  fails(calls.tryOpen("dir/", O.RDWR), EISDIR);
  fails(calls.tryOpen(".", O.RDWR), EISDIR);
  assert.equal(calls.tryOpen("dir"), 0);
  assert.equal(calls.tryOpen("dir//", O.DIRECTORY), 0);
  const directory = calls.opened("dir");
  fails(calls.read(directory), EISDIR);
  fails(calls.write(directory, "x"), EBADF);
  assert.equal(calls.text("sub/leaf", directory), "leaf");
  assert.equal(calls.text("../file", directory), "content");
  calls.close(directory);
  const file = calls.opened("file");
  fails(calls.tryOpen("x", 0, file), ENOTDIR, "a file is no base");
  calls.close(file);
});

reading("symbolic links are followed where they should be", SOME, (calls) => {
  assert.equal(calls.text("link"), "content");
  assert.equal(calls.text("dirlink/inner"), "deep");
  assert.equal(calls.readlink("link"), "file");
  assert.equal(calls.readlink("link", 2), "fi");
  fails(calls.readlink("file"), EINVAL);
  fails(calls.readlink("dir"), EINVAL);
  fails(calls.readlink("none"), ENOENT);
  fails(calls.readlink("link/"), ENOTDIR);
  fails(calls.tryOpen("link", O.NOFOLLOW), ELOOP);
  fails(calls.tryOpen("dirlink", O.NOFOLLOW | O.DIRECTORY), ENOTDIR);
  assert.equal(calls.text("dirlink/../file"), "content");
  fails(calls.tryOpen("dangling"), ENOENT);
  fails(calls.tryOpen("link/"), ENOTDIR);
  assert.equal(calls.tryOpen("dirlink/", O.DIRECTORY), 0);
  assert.equal(calls.typeOf("link", false), SYMBOLIC_LINK);
  assert.equal(calls.typeOf("link"), REGULAR_FILE);
  assert.equal(calls.typeOf("dirlink/", false), DIRECTORY);
  fails(calls.stat("dangling"), ENOENT);
  assert.equal(calls.typeOf("dangling", false), SYMBOLIC_LINK);
  assert.equal(calls.status("link", false).size, 4);
});

reading(
  "links in circles and too many of them are ELOOP",
  {
    self: { link: "self" },
    a: { link: "b" },
    b: { link: "a" },
    d: null,
    "d/up": { link: "../d" },
  },
  (calls) => {
    for (const path of ["self", "a", "self/x", "b/"]) {
      fails(calls.tryOpen(path), ELOOP, path);
      fails(calls.stat(path), ELOOP, path);
    }
    fails(calls.tryOpen("self", O.NOFOLLOW), ELOOP);
    assert.equal(calls.typeOf("self", false), SYMBOLIC_LINK);
    assert.equal(calls.typeOf("d" + "/up".repeat(40)), DIRECTORY);
    fails(calls.stat("d" + "/up".repeat(41)), ELOOP);
  },
);

reading(
  "absolute links lead from the root of the process, and nothing above it",
  {
    d: null,
    "d/home": { link: "/m/target" },
    "d/dots": { link: "../../../../../../m/target" },
    target: "here",
  },
  (calls) => {
    assert.equal(calls.text("d/home"), "here");
    assert.equal(calls.text("d/dots"), "here");
    assert.equal(calls.text("../../../m/target"), "here");
    assert.equal(calls.text("/../m/d/../target"), "here");
    assert.equal(calls.status("/").inode, calls.status("/../..").inode);
  },
);

reading("stat tells what things are, by path and by descriptor alike", SOME, (calls) => {
  const file = calls.status("file");
  assert.equal(file.type, REGULAR_FILE);
  assert.equal(file.size, 7);
  assert.equal(file.links, 1);
  assert.ok(file.modified > 0n);
  assert.equal(calls.typeOf("dir"), DIRECTORY);
  assert.equal(calls.typeOf("dir/"), DIRECTORY);
  fails(calls.stat("file/"), ENOTDIR);
  fails(calls.stat("none/"), ENOENT);
  for (const path of ["file", "dir", "dir/sub", "."]) {
    const fd = calls.opened(path);
    const [byPath, byDescriptor] = [calls.status(path), calls.fstat(fd)];
    assert.equal(byDescriptor.inode, byPath.inode, path);
    assert.equal(byDescriptor.device, byPath.device, path);
    assert.equal(byDescriptor.type, byPath.type, path);
    assert.equal(byDescriptor.size, byPath.size, path);
    assert.equal(byDescriptor.modified, byPath.modified, path);
    calls.close(fd);
  }
  const seen = ["file", "empty", "dir", "dir/inner", "dir/sub", "dir/sub/leaf"].map((path) => {
    const { device, inode } = calls.status(path);
    return `${device}:${inode}`;
  });
  assert.equal(new Set(seen).size, seen.length, "no two files are one");
  assert.equal(calls.status("dir/sub/..").inode, calls.status("dir").inode);
});

reading("directories list each name once, with what it is", SOME, (calls) => {
  const names = ["dangling", "dir", "dirlink", "empty", "file", "link"];
  assert.deepEqual(calls.names("."), names);
  assert.deepEqual(calls.names("dir"), ["inner", "sub"]);
  assert.deepEqual(calls.names("dirlink/"), ["inner", "sub"]);
  fails(calls.names("file"), ENOTDIR);
  const fd = calls.opened("dir");
  for (const room of [24 + 255, 100, 4096]) {
    const entries = calls.readAll(fd, 0n, room);
    assert.deepEqual(
      entries.map(({ name }) => name).sort(),
      [".", "..", "inner", "sub"],
      `${room}`,
    );
    for (const { name, inode, type } of entries) {
      const status = calls.status(`dir/${name}`, false);
      assert.equal(inode, status.inode, name);
      assert.equal(type, status.type, name);
    }
    assert.equal(new Set(entries.map(({ cookie }) => cookie)).size, entries.length);
    for (const [index, { cookie }] of entries.entries()) {
      assert.deepEqual(calls.readAll(fd, cookie), entries.slice(index + 1), "a cookie stays good");
    }
  }
  calls.close(fd);
});

reading("dots and slashes mean nothing more than they say", SOME, (calls) => {
  for (const path of [
    "./file",
    ".//file",
    "dir/../file",
    "dir/./../file",
    "dir/sub/../../file",
    "../m/file",
  ]) {
    assert.equal(calls.text(path), "content", path);
  }
  fails(calls.tryOpen("none/../file"), ENOENT);
  fails(calls.tryOpen("file/../file"), ENOTDIR);
});

reading("names that are too long or hold NUL are refused", SOME, (calls) => {
  fails(calls.tryOpen("n".repeat(256)), ENAMETOOLONG);
  fails(calls.tryOpen("n".repeat(256) + "/x"), ENAMETOOLONG);
  fails(calls.tryOpen("n".repeat(255)), ENOENT);
  fails(calls.tryOpen("./".repeat(2048) + "x"), ENAMETOOLONG);
  // PATH_MAX counts the NUL byte that ends a path in C.
  fails(calls.tryOpen("./".repeat(2046) + "file"), ENAMETOOLONG);
  assert.equal(calls.text("./".repeat(2045) + "file"), "content");
  fails(calls.tryOpen(Uint8Array.of(0x66, 0, 0x67)), EINVAL);
  fails(calls.stat("file\0"), EINVAL);
});

reading(
  "many names in a directory are all found and listed",
  {
    many: null,
    ...Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`many/name-${index}`, `${index}`]),
    ),
  },
  (calls) => {
    const names = calls.names("many");
    assert.ok(Array.isArray(names));
    assert.equal(new Set(names).size, 300);
    for (let index = 0; index < 300; index += 7) {
      assert.equal(calls.text(`many/name-${index}`), `${index}`);
    }
  },
);
