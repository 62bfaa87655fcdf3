/** What rename(2) says. */
import assert from "node:assert/strict";
import { Errno } from "../../../src/abi/errno.ts";
import { O, REGULAR_FILE } from "../posix-calls.ts";
import { SOME, fails, writing } from "./contract.ts";

const { EBUSY, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV } = Errno;

writing(
  "a rename over an open file leaves it to its holder",
  { old: "old", fresh: "new" },
  (calls) => {
    const fd = calls.opened("old", O.RDWR);
    const mover = calls.opened("fresh", O.RDWR);
    assert.equal(calls.rename("fresh", "old"), 0);
    assert.equal(calls.read(fd), "old");
    assert.equal(calls.fstat(fd).links, 0);
    assert.equal(calls.text("old"), "new");
    fails(calls.stat("fresh"), ENOENT);
    assert.equal(calls.pwrite(mover, "NEW", 0), 3);
    assert.equal(calls.text("old"), "NEW");
    assert.equal(calls.fstat(mover).inode, calls.status("old").inode);
    calls.close(fd);
    calls.close(mover);
  },
);

writing("files are renamed as rename(2) says", SOME, (calls) => {
  fails(calls.rename("none", "x"), ENOENT);
  fails(calls.rename("file", "none/x"), ENOENT);
  fails(calls.rename("file", "empty/x"), ENOTDIR);
  fails(calls.rename("file", "dir"), EISDIR);
  fails(calls.rename("file/", "x"), ENOTDIR);
  fails(calls.rename("file", "x/"), ENOTDIR);
  fails(calls.rename(".", "x"), EBUSY);
  fails(calls.rename("file", "dir/.."), EBUSY);
  fails(calls.rename("n".repeat(256), "x"), ENAMETOOLONG);
  fails(calls.rename("file", "n".repeat(256)), ENAMETOOLONG);
  assert.equal(calls.rename("file", "file"), 0);
  assert.equal(calls.text("file"), "content");
  assert.equal(calls.rename("file", "dir/sub/moved"), 0);
  assert.equal(calls.text("dir/sub/moved"), "content");
  fails(calls.stat("file"), ENOENT);
  assert.equal(calls.rename("dir/sub/moved", "empty"), 0);
  assert.equal(calls.text("empty"), "content");
  assert.equal(calls.rename("link", "dir/inner"), 0, "a link itself, over a file");
  assert.equal(calls.readlink("dir/inner"), "file");
  assert.equal(calls.rename("empty", "dangling"), 0, "over a link, not through it");
  assert.equal(calls.typeOf("dangling", false), REGULAR_FILE);
  assert.deepEqual(calls.names("."), ["dangling", "dir", "dirlink"]);
});

writing("directories are renamed as rename(2) says", { plain: "file" }, (calls, departures) => {
  for (const path of ["a", "a/sub", "a/sub/deep", "empty", "full"])
    assert.equal(calls.mkdir(path), 0);
  calls.put("a/sub/file", "moved along");
  calls.put("full/file", "in the way");
  fails(calls.rename("a", "plain"), ENOTDIR);
  fails(calls.rename("a", "full"), ENOTEMPTY);
  fails(calls.rename("a", "a/b"), EINVAL);
  fails(calls.rename("a", "a/sub/deep/b"), EINVAL);
  fails(calls.rename("a/sub", "a"), ENOTEMPTY);
  fails(calls.rename("plain", "empty"), EISDIR);
  const held = calls.opened("a/sub", O.DIRECTORY);
  assert.equal(calls.rename("a", "empty"), 0);
  assert.equal(calls.text("empty/sub/file"), "moved along");
  fails(calls.stat("a"), ENOENT);
  if (departures.byPath) return calls.close(held);
  assert.equal(calls.text("file", held), "moved along", "an open directory goes with it");
  assert.equal(calls.rename("empty/sub", "top/"), 0, "a slash after a directory's new name");
  assert.equal(calls.text("top/file"), "moved along");
  assert.equal(calls.text("../top/file", held), "moved along", "and `..` is where it is now");
  assert.equal(calls.status("top/..").inode, calls.status(".").inode);
  calls.put("through", "seen", held);
  assert.equal(calls.text("top/through"), "seen");
  calls.close(held);
  assert.deepEqual(calls.names("empty"), []);
});

writing(
  "directories that were there before are renamed, or refuse it as across filesystems",
  SOME,
  (calls, departures) => {
    const answer = calls.rename("dir", "moved");
    if (departures.movesNoOldDirectories) {
      fails(answer, EXDEV);
      assert.equal(calls.text("dir/sub/leaf"), "leaf");
      return;
    }
    assert.equal(answer, 0);
    assert.equal(calls.text("moved/sub/leaf"), "leaf");
    fails(calls.stat("dir"), ENOENT);
    assert.equal(calls.mkdir("dir"), 0);
    assert.deepEqual(calls.names("dir"), []);
  },
);

writing("nothing is linked or renamed across filesystems", SOME, (calls) => {
  fails(calls.rename("file", "/other/x"), EXDEV);
  fails(calls.link("file", "/other/x"), EXDEV);
  fails(calls.rename("/other/file", "x"), EXDEV);
  fails(calls.rename("dir", "/other/x"), EXDEV);
  fails(calls.rename("/m", "/x"), EBUSY);
  fails(calls.rmdir("/m"), EBUSY);
  assert.equal(calls.symlink("/other/file", "across"), 0);
  assert.equal(calls.text("across"), "other");
});
