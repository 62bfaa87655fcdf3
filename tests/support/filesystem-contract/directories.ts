/** Directories that are made, listed while they change, and removed. */
import assert from "node:assert/strict";
import { Errno } from "../../../src/abi/errno.ts";
import { DIRECTORY, O } from "../posix-calls.ts";
import { SOME, fails, writing } from "./contract.ts";

const { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } = Errno;

writing("directories are made and removed", SOME, (calls) => {
  fails(calls.mkdir("dir"), EEXIST);
  fails(calls.mkdir("file"), EEXIST);
  fails(calls.mkdir("dangling"), EEXIST);
  fails(calls.mkdir("."), EEXIST);
  fails(calls.mkdir("dir/.."), EEXIST);
  fails(calls.mkdir("none/x"), ENOENT);
  fails(calls.mkdir("file/x"), ENOTDIR);
  assert.equal(calls.mkdir("new/"), 0);
  assert.equal(calls.mkdir("dirlink/through"), 0);
  assert.equal(calls.typeOf("dir/through"), DIRECTORY);
  fails(calls.rmdir("dir"), ENOTEMPTY);
  fails(calls.rmdir("file"), ENOTDIR);
  fails(calls.rmdir("dirlink"), ENOTDIR);
  fails(calls.rmdir("none"), ENOENT);
  fails(calls.rmdir("new/."), EINVAL);
  fails(calls.rmdir("new/.."), ENOTEMPTY);
  fails(calls.unlink("new"), EISDIR);
  assert.equal(calls.rmdir("new/"), 0);
  assert.equal(calls.rmdir("dir/through"), 0);
  assert.equal(calls.unlink("dir/sub/leaf"), 0);
  assert.equal(calls.rmdir("dir/sub"), 0);
  assert.equal(calls.unlink("dir/inner"), 0);
  assert.equal(calls.rmdir("dir"), 0);
  fails(calls.stat("dir"), ENOENT);
  assert.equal(calls.mkdir("dir"), 0);
  assert.deepEqual(calls.names("dir"), [], "what was in an old directory does not come back");
  fails(calls.stat("dir/inner"), ENOENT);
});

writing(
  "a directory that is removed while it is open is empty and takes nothing",
  { d: null, "d/f": "x" },
  (calls, departures) => {
    const held = calls.opened("d", O.DIRECTORY);
    assert.equal(calls.unlink("d/f"), 0);
    assert.equal(calls.rmdir("d"), 0);
    fails(calls.tryOpen("new", O.RDWR | O.CREAT, held), ENOENT);
    fails(calls.mkdir("new", held), ENOENT);
    fails(calls.symlink("x", "new", held), ENOENT);
    fails(calls.tryOpen("f", O.RDONLY, held), ENOENT);
    if (departures.byPath) return calls.close(held);
    assert.equal(calls.mkdir("d"), 0);
    calls.put("d/f", "another");
    fails(calls.tryOpen("f", O.RDONLY, held), ENOENT, "it is not the new one of that name");
    const listed = calls.readSome(held, 0n, 1000);
    assert.ok(typeof listed !== "number");
    assert.deepEqual(
      listed.filter(({ name }) => name !== "." && name !== ".."),
      [],
    );
    calls.close(held);
  },
);

writing(
  "a listing goes on while the directory changes",
  {
    d: null,
    ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`d/f${index}`, ""])),
  },
  (calls) => {
    const fd = calls.opened("d", O.DIRECTORY);
    const first = calls.readSome(fd, 0n, 400);
    assert.ok(typeof first === "object" && first.length > 4 && first.length < 30);
    const shown = first.map(({ name }) => name);
    const hidden = Array.from({ length: 40 }, (_, index) => `f${index}`).filter(
      (n) => !shown.includes(n),
    );
    // Half of what was shown goes, and half of what was not; some come.
    const kept = hidden.filter((_, index) => index % 2 === 1);
    for (const name of hidden.filter((_, index) => index % 2 === 0)) {
      assert.equal(calls.unlink(`d/${name}`), 0);
    }
    const gone = shown.filter((name) => name.startsWith("f")).slice(0, 3);
    for (const name of gone) assert.equal(calls.unlink(`d/${name}`), 0);
    for (let index = 0; index < 20; index++) calls.put(`d/new${index}`, "");
    const rest = calls.readAll(fd, first.at(-1)!.cookie, 300).map(({ name }) => name);
    assert.equal(
      new Set([...shown, ...rest]).size,
      shown.length + rest.length,
      "no name comes twice",
    );
    for (const name of kept) assert.ok(rest.includes(name), `${name} was there all the time`);
    const again = calls.readAll(fd).map(({ name }) => name);
    for (let index = 0; index < 20; index++) assert.ok(again.includes(`new${index}`));
    for (const name of gone) assert.ok(!again.includes(name));
    calls.close(fd);
  },
);

writing(
  "everything in a directory can be removed while it is listed",
  {
    d: null,
    ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`d/f${index}`, ""])),
  },
  (calls) => {
    const fd = calls.opened("d", O.DIRECTORY);
    let cookie = 0n;
    for (;;) {
      const some = calls.readSome(fd, cookie, 200);
      assert.ok(typeof some === "object");
      if (some.length === 0) break;
      cookie = some.at(-1)!.cookie;
      for (const { name } of some) {
        if (name !== "." && name !== "..") assert.equal(calls.unlink(`d/${name}`), 0);
      }
    }
    calls.close(fd);
    assert.deepEqual(calls.names("d"), []);
    assert.equal(calls.rmdir("d"), 0);
  },
);

writing("deep trees are walked, and removed from below", {}, (calls) => {
  let base = calls.base;
  const held: number[] = [];
  for (let depth = 0; depth < 60; depth++) {
    assert.equal(calls.mkdir("d", base), 0);
    base = calls.opened("d", O.DIRECTORY, base);
    held.push(base);
  }
  calls.put("f", "bottom", base);
  assert.equal(calls.text("d/".repeat(60) + "f"), "bottom");
  assert.equal(calls.text("../".repeat(60) + "d/".repeat(60) + "f", base), "bottom");
  assert.equal(calls.unlink("f", base), 0);
  for (const fd of held.reverse()) {
    calls.close(fd);
    const above = held[held.indexOf(fd) + 1] ?? calls.base;
    assert.equal(calls.rmdir("d", above), 0);
  }
});
