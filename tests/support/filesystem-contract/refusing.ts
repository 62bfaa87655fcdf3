/** What a filesystem owes that is mounted to be read only. */
import assert from "node:assert/strict";
import { Errno } from "../../../src/abi/errno.ts";
import { DIRECTORY, O, type PosixCalls } from "../posix-calls.ts";
import { SOME, fails, refusing } from "./contract.ts";

const { EBADF, EEXIST, EISDIR, EROFS, EXDEV } = Errno;

refusing("every call that would change something answers EROFS", SOME, (calls) => {
  const before = JSON.stringify(describeTree(calls));
  for (const flags of [
    O.WRONLY,
    O.RDWR,
    O.TRUNC,
    O.WRONLY | O.APPEND,
    O.RDWR | O.CREAT,
    O.RDWR | O.CREAT | O.TRUNC,
  ]) {
    fails(calls.tryOpen("file", flags), EROFS, `open ${flags}`);
  }
  assert.equal(
    calls.tryOpen("file", O.RDONLY | O.CREAT),
    0,
    "what is there may be opened, and nothing is made",
  );
  fails(calls.tryOpen("new", O.RDONLY | O.CREAT), EROFS);
  fails(calls.tryOpen("file", O.RDONLY | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dangling", O.RDWR | O.CREAT), EROFS, "through a link");
  fails(calls.tryOpen("dir", O.RDWR), EISDIR);
  fails(calls.mkdir("new"), EROFS);
  fails(calls.mkdir("dir/new"), EROFS);
  fails(calls.mkdir("dir"), EEXIST);
  fails(calls.rmdir("dir/sub"), EROFS);
  fails(calls.unlink("file"), EROFS);
  fails(calls.unlink("link"), EROFS);
  fails(calls.symlink("x", "new"), EROFS);
  fails(calls.link("file", "new"), EROFS);
  fails(calls.rename("file", "new"), EROFS);
  fails(calls.rename("file", "empty"), EROFS);
  fails(calls.rename("dir", "new"), EROFS);
  fails(calls.utimes("file", 1n, 1n), EROFS);
  fails(calls.utimes("dir", 1n, 1n), EROFS);
  fails(calls.utimes("link", 1n, 1n, false), EROFS);
  fails(calls.rename("/other/file", "new"), EXDEV);
  fails(calls.rename("file", "/other/new"), EXDEV);
  fails(calls.link("file", "/other/new"), EXDEV);
  const file = calls.opened("file");
  fails(calls.futimes(file, 1n, 1n), EROFS);
  fails(calls.write(file, "x"), EBADF);
  fails(calls.pwrite(file, "x", 0), EBADF);
  assert.ok(calls.truncate(file, 0) < 0);
  assert.ok(calls.allocate(file, 0, 100) < 0);
  calls.close(file);
  const directory = calls.opened("dir", O.DIRECTORY);
  fails(calls.futimes(directory, 1n, 1n), EROFS);
  fails(calls.tryOpen("new", O.RDWR | O.CREAT, directory), EROFS);
  fails(calls.mkdir("new", directory), EROFS);
  fails(calls.unlink("inner", directory), EROFS);
  fails(calls.rename("inner", "moved", directory), EROFS);
  calls.close(directory);
  assert.equal(JSON.stringify(describeTree(calls)), before, "and nothing has changed");
});

/** All that can be seen of a tree but the times of access. */
function describeTree(calls: PosixCalls, path = "."): unknown[] {
  const names = calls.names(path);
  assert.ok(Array.isArray(names));
  return names.map((name) => {
    const where = `${path}/${name}`;
    const { type, size, links, modified, inode } = calls.status(where, false);
    const inside = type === DIRECTORY ? describeTree(calls, where) : calls.text(where);
    return [name, type, size, links, String(modified), String(inode), inside];
  });
}
