/** What names may be, and how files get and lose them: unlink(2), link(2), symlink(2). */
import assert from "node:assert/strict";
import { Errno } from "../../../src/abi/errno.ts";
import { O } from "../posix-calls.ts";
import { SOME, fails, writing } from "./contract.ts";

const { EEXIST, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM } = Errno;

writing("names are unlinked, and only names of files", SOME, (calls) => {
  fails(calls.unlink("none"), ENOENT);
  fails(calls.unlink("dir"), EISDIR);
  fails(calls.unlink("dir/"), EISDIR);
  fails(calls.unlink("file/"), ENOTDIR);
  fails(calls.unlink("file/x"), ENOTDIR);
  fails(calls.unlink("."), EISDIR);
  assert.equal(calls.unlink("link"), 0, "a link, not what it points to");
  assert.equal(calls.text("file"), "content");
  assert.equal(calls.unlink("dangling"), 0);
  assert.equal(calls.unlink("dirlink"), 0);
  assert.equal(calls.text("dir/inner"), "deep");
  assert.equal(calls.unlink("file"), 0);
  fails(calls.unlink("file"), ENOENT);
  assert.deepEqual(calls.names("."), ["dir", "empty"]);
  calls.put("file", "again");
  assert.equal(calls.text("file"), "again");
});

writing("hard links are names of one file", SOME, (calls, departures) => {
  assert.equal(calls.link("file", "dir/other"), 0);
  assert.equal(calls.status("file").links, 2);
  assert.equal(calls.status("file").inode, calls.status("dir/other").inode);
  calls.put("file", "changed");
  assert.equal(calls.text("dir/other"), "changed");
  fails(calls.link("file", "dir/other"), EEXIST);
  fails(calls.link("file", "dir"), EEXIST);
  fails(calls.link("none", "x"), ENOENT);
  fails(calls.link("dir", "x"), EPERM);
  fails(calls.link("file", "none/x"), ENOENT);
  fails(calls.link("file", "x/"), ENOENT);
  fails(calls.link("file/", "x"), ENOTDIR);
  assert.equal(calls.rename("file", "dir/other"), 0, "of one file: does nothing");
  assert.equal(calls.text("file"), "changed");
  assert.equal(calls.unlink("file"), 0);
  assert.equal(calls.status("dir/other").links, 1);
  assert.equal(calls.text("dir/other"), "changed");
  assert.equal(calls.link("dirlink", "copy", true), -EPERM);
  if (departures.linksNoSymlinks) return;
  assert.equal(calls.link("link", "twin"), 0, "a link to the link itself");
  assert.equal(calls.readlink("twin"), "file");
});

writing("links hold any target, and only links do", SOME, (calls) => {
  const long = "t/".repeat(2047) + "t";
  assert.equal(calls.symlink(long, "long"), 0);
  assert.equal(calls.readlink("long"), long);
  assert.equal(calls.status("long", false).size, 4095);
  fails(calls.symlink(long + "t", "longer"), ENAMETOOLONG);
  fails(calls.symlink("", "none"), ENOENT);
  fails(calls.symlink("x", "file"), EEXIST);
  fails(calls.symlink("x", "dangling"), EEXIST);
  fails(calls.symlink("x", "new/"), ENOENT);
  fails(calls.symlink("x", "none/new"), ENOENT);
  fails(calls.symlink("a\0b", "new"), EINVAL);
  assert.equal(calls.symlink("späße ☃", "odd"), 0);
  assert.equal(calls.readlink("odd"), "späße ☃");
  assert.equal(calls.symlink("/m/file", "absolute"), 0);
  assert.equal(calls.text("absolute"), "content");
  fails(calls.stat("long"), ENOENT);
});

writing("names may be anything but a slash", { d: null }, (calls) => {
  const long = "n".repeat(255);
  for (const name of [
    long,
    "späße ☃",
    " ",
    "a b",
    "new\nline",
    "back\\slash",
    "...",
    "-",
    "*?",
    "con",
    "a:b",
  ]) {
    calls.put(`d/${name}`, name);
    assert.equal(calls.text(`d/${name}`), name);
    assert.deepEqual(calls.names("d"), [name]);
    assert.equal(calls.rename(`d/${name}`, "d/renamed"), 0);
    assert.equal(calls.unlink("d/renamed"), 0);
  }
  assert.equal(calls.mkdir(`d/${long}`), 0);
  assert.equal(calls.mkdir(`d/${long}/${long}`), 0);
  calls.put(`d/${long}/${long}/f`, "deep");
  assert.equal(calls.text(`d/${long}/${long}/f`), "deep");
  fails(calls.mkdir(`d/${long}n`), ENAMETOOLONG);
  fails(calls.tryOpen(`d/${long}n`, O.RDWR | O.CREAT), ENAMETOOLONG);
  fails(calls.symlink("x", `d/${long}n`), ENAMETOOLONG);
  fails(calls.rename(`d/${long}`, `d/${long}n`), ENAMETOOLONG);
});

writing("names need not be UTF-8", { d: null }, (calls) => {
  const odd = Uint8Array.of(0x64, 0x2f, 0xff, 0xfe, 0x80);
  calls.put(odd, "bytes");
  assert.equal(calls.text(odd), "bytes");
  assert.deepEqual(calls.names("d"), ["\xff\xfe\x80"]);
  assert.equal(calls.unlink(odd), 0);
});
