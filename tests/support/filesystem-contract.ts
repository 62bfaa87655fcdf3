/**
 * What every filesystem owes its programs, as tests by name: made once, run against each (`tests/filesystems/contract.test.ts`).
 *
 * A test begins with a tree, which the subject has brought about in whatever way is its own: files that were in the layer below, a directory of
 * the host, an archive. It makes the calls of a process and compares results with what POSIX says, and where that leaves a choice with Linux.
 */
import assert from "node:assert/strict";
import { Errno, errnoName } from "../../src/abi/errno.ts";
import { DIRECTORY, O, type PosixCalls, REGULAR_FILE, SYMBOLIC_LINK } from "./posix-calls.ts";

/** What is there before a test: text of a file, null for a directory, or where a symbolic link points to. Directories come before what is in them. */
export type Tree = Readonly<Record<string, string | null | { readonly link: string }>>;

/** In what a filesystem departs from the rest, each for a reason that its documentation gives. */
export interface Departures {
  /** Directories that were there before cannot be renamed: EXDEV, as on other layered filesystems. */
  readonly movesNoOldDirectories?: boolean;
  /** Hard links of files that were there before do not survive a change: the layer below keeps the old file. */
  readonly breaksOldLinks?: boolean;
  /** Symbolic links have no hard links. */
  readonly linksNoSymlinks?: boolean;
  /** Names of more bytes than this cannot be removed from the layer below. */
  readonly longestOldName?: number;
  /** An open directory is found by its path, so that it is whatever has that path now. */
  readonly byPath?: boolean;
  /** Times are kept to about a microsecond: the host's calls take no more. */
  readonly microseconds?: boolean;
}

interface ContractTest {
  readonly name: string;
  readonly tree: Tree;
  readonly run: (calls: PosixCalls, departures: Departures) => void;
}

/** Tests of filesystems that can be read; none changes anything. */
export const readingContract: ContractTest[] = [];
/** Tests of filesystems that can be written too. */
export const writingContract: ContractTest[] = [];
/** Tests of filesystems that are mounted to be read only: every call that would change something is refused. */
export const refusingContract: ContractTest[] = [];

const reading = (name: string, tree: Tree, run: ContractTest["run"]): void =>
  void readingContract.push({ name, tree, run });
const writing = (name: string, tree: Tree, run: ContractTest["run"]): void =>
  void writingContract.push({ name, tree, run });

const refusing = (name: string, tree: Tree, run: ContractTest["run"]): void =>
  void refusingContract.push({ name, tree, run });

/** Compares an answer with an errno by name, which a failure then shows. */
function fails(answer: unknown, errno: number, what = ""): void {
  const shown = typeof answer === "number" && answer < 0 ? errnoName(-answer) : String(answer);
  assert.equal(shown, errnoName(errno), what);
}

const {
  EBADF,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} = Errno;

// ----------------------------------------------------------------------------------------------------------- reading

const SOME: Tree = {
  file: "content",
  empty: "",
  dir: null,
  "dir/inner": "deep",
  "dir/sub": null,
  "dir/sub/leaf": "leaf",
  link: { link: "file" },
  dirlink: { link: "dir" },
  dangling: { link: "nowhere" },
};

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

// ----------------------------------------------------------------------------------------------------------- writing

writing("opening makes, truncates and insists", SOME, (calls) => {
  fails(calls.tryOpen("file", O.RDWR | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dir", O.RDWR | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dir", O.RDWR | O.CREAT), EISDIR);
  fails(calls.tryOpen("link", O.RDWR | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dangling", O.RDWR | O.CREAT | O.EXCL), EEXIST, "not through a link");
  fails(calls.tryOpen("none/x", O.RDWR | O.CREAT), ENOENT);
  fails(calls.tryOpen("file/x", O.RDWR | O.CREAT), ENOTDIR);
  fails(calls.tryOpen("new/", O.RDWR | O.CREAT), EISDIR);
  fails(calls.tryOpen("new", O.RDWR | O.CREAT | O.DIRECTORY), EINVAL);
  fails(calls.stat("new"), ENOENT);
  assert.equal(calls.tryOpen("new", O.RDWR | O.CREAT | O.EXCL), 0);
  assert.equal(calls.status("new").size, 0);
  assert.equal(calls.tryOpen("file", O.RDWR | O.CREAT), 0);
  assert.equal(calls.text("file"), "content", "an old file stays");
  assert.equal(calls.tryOpen("file", O.WRONLY | O.TRUNC), 0);
  assert.equal(calls.text("file"), "");
  fails(calls.tryOpen("dir", O.TRUNC), EISDIR);
  const fd = calls.opened("dangling", O.RDWR | O.CREAT);
  assert.equal(calls.write(fd, "made"), 4);
  calls.close(fd);
  assert.equal(calls.text("nowhere"), "made", "a dangling link makes its target");
  assert.equal(calls.typeOf("dangling", false), SYMBOLIC_LINK);
});

writing(
  "reads and writes share an offset that others do not move",
  { file: "0123456789" },
  (calls) => {
    const fd = calls.opened("file", O.RDWR);
    const other = calls.opened("file", O.RDWR);
    assert.equal(calls.read(fd, 2), "01");
    assert.equal(calls.write(fd, "ab"), 2);
    assert.equal(calls.seek(fd, 0, 1), 4);
    assert.equal(calls.read(other), "01ab456789");
    assert.equal(calls.pwrite(fd, "XY", 8), 2);
    assert.equal(calls.seek(fd, 0, 1), 4, "pwrite leaves the offset");
    assert.equal(calls.read(fd), "4567XY");
    assert.equal(calls.write(fd, ""), 0);
    assert.equal(calls.fstat(fd).size, 10);
    calls.close(other);
    calls.close(fd);
    const writer = calls.opened("file", O.WRONLY);
    fails(calls.read(writer), EBADF);
    calls.close(writer);
    assert.equal(calls.text("file"), "01ab4567XY");
  },
);

writing("appending goes to the end of that moment", { file: "one" }, (calls) => {
  const a = calls.opened("file", O.RDWR | O.APPEND);
  const b = calls.opened("file", O.WRONLY | O.APPEND);
  assert.equal(calls.write(a, "-a"), 2);
  assert.equal(calls.write(b, "-b"), 2);
  assert.equal(calls.seek(a, 0), 0);
  assert.equal(calls.read(a, 3), "one");
  assert.equal(calls.write(a, "-c"), 2);
  assert.equal(calls.seek(a, 0, 1), 9);
  assert.equal(calls.text("file"), "one-a-b-c");
  assert.equal(calls.truncate(b, 1), 0);
  assert.equal(calls.write(a, "!"), 1);
  assert.equal(calls.text("file"), "o!");
  calls.close(a);
  calls.close(b);
});

writing("a file that is unlinked lives on while it is open", { file: "still here" }, (calls) => {
  const fd = calls.opened("file", O.RDWR);
  assert.equal(calls.unlink("file"), 0);
  fails(calls.tryOpen("file"), ENOENT);
  assert.equal(calls.fstat(fd).links, 0);
  assert.equal(calls.read(fd, 5), "still");
  assert.equal(calls.pwrite(fd, "HERE", 6), 4);
  calls.put("file", "another");
  assert.equal(calls.pread(fd, 100, 0), "still HERE");
  assert.equal(calls.text("file"), "another");
  assert.notEqual(calls.fstat(fd).inode, calls.status("file").inode);
  calls.close(fd);
});

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
    if (typeof listed === "number") fails(listed, ENOENT);
    else
      assert.deepEqual(
        listed.filter(({ name }) => name !== "." && name !== ".."),
        [],
      );
    calls.close(held);
  },
);

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

writing(
  "files are cut and extended, and what was never written is zero",
  { file: "0123456789" },
  (calls) => {
    const fd = calls.opened("file", O.RDWR);
    assert.equal(calls.truncate(fd, 4), 0);
    assert.equal(calls.text("file"), "0123");
    assert.equal(calls.truncate(fd, 8), 0);
    assert.equal(calls.text("file"), "0123\0\0\0\0");
    assert.equal(calls.seek(fd, 0, 1), 0, "the offset stays");
    assert.equal(calls.seek(fd, 12), 12);
    assert.equal(calls.write(fd, "end"), 3);
    assert.equal(calls.text("file"), "0123\0\0\0\0\0\0\0\0end");
    assert.equal(calls.truncate(fd, 0), 0);
    assert.equal(calls.write(fd, "x"), 1, "behind the end, where the offset still is");
    assert.equal(calls.fstat(fd).size, 16);
    assert.equal(calls.pread(fd, 3, 13), "\0\0x");
    assert.equal(calls.pwrite(fd, "far", 2 ** 32 + 5), 3);
    assert.equal(calls.fstat(fd).size, 2 ** 32 + 8);
    assert.equal(calls.pread(fd, 8, 2 ** 32), "\0\0\0\0\0far");
    assert.equal(calls.pread(fd, 4, 2 ** 31), "\0\0\0\0");
    assert.equal(calls.truncate(fd, 3), 0);
    assert.equal(calls.allocate(fd, 2, 6), 0);
    assert.equal(calls.text("file"), "\0".repeat(8));
    assert.equal(calls.allocate(fd, 0, 2), 0);
    assert.equal(calls.fstat(fd).size, 8);
    fails(calls.allocate(fd, 0, 0), EINVAL);
    calls.close(fd);
    const reader = calls.opened("file");
    assert.ok(calls.truncate(reader, 1) < 0);
    calls.close(reader);
    assert.equal(calls.status("file").size, 8);
  },
);

writing("files are forced to what keeps them, directories too", SOME, (calls) => {
  const file = calls.opened("file", O.RDWR);
  calls.write(file, "forced");
  assert.equal(calls.sync(file), 0);
  assert.equal(calls.fixture.call("fd_datasync", file), 0);
  calls.close(file);
  const directory = calls.opened("dir");
  assert.equal(calls.sync(directory), 0);
  calls.close(directory);
});

writing("times are set to the nanosecond and move with changes", SOME, (calls, departures) => {
  const [accessed, modified] = [1_000_000_000_123_456_789n, 1_500_000_000_987_654_321n];
  const same = (actual: bigint, expected: bigint, what = ""): void => {
    const distance = actual > expected ? actual - expected : expected - actual;
    assert.ok(distance < (departures.microseconds ? 1001n : 1n), `${what}: ${actual}`);
  };
  for (const path of ["file", "dir"]) {
    assert.equal(calls.utimes(path, accessed, modified), 0);
    const status = calls.status(path);
    same(status.accessed, accessed, path);
    same(status.modified, modified, path);
    assert.ok(status.changed > modified, "the change itself is now");
  }
  assert.equal(calls.utimes("file", undefined, 5_000n), 0);
  same(calls.status("file").accessed, accessed);
  same(calls.status("file").modified, 5_000n);
  assert.equal(calls.utimes("link", undefined, 77_000n), 0);
  same(calls.status("file").modified, 77_000n, "through a link");
  assert.equal(calls.utimes("link", 88_000n, 99_000n, false), 0);
  same(calls.status("link", false).modified, 99_000n);
  same(calls.status("file").modified, 77_000n);
  fails(calls.utimes("none", 1n, 1n), ENOENT);
  const fd = calls.opened("file", O.RDWR);
  assert.equal(calls.futimes(fd, 11_000n, 22_000n), 0);
  same(calls.status("file").modified, 22_000n);
  calls.write(fd, "x");
  assert.ok(calls.status("file").modified > 22_000n, "a write sets it");
  calls.utimes("file", 1n, 1n);
  calls.truncate(fd, 0);
  assert.ok(calls.status("file").modified > 22_000n, "so does a cut");
  calls.close(fd);
  calls.utimes("dir", 1n, 1n);
  calls.put("dir/new", "");
  assert.ok(calls.status("dir").modified > 1n, "a directory's when a name comes");
  calls.utimes("dir", 1n, 1n);
  calls.unlink("dir/new");
  assert.ok(calls.status("dir").modified > 1n, "and goes");
});

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

writing("what was changed stays changed", SOME, (calls) => {
  const fd = calls.opened("dir/inner", O.RDWR | O.APPEND);
  calls.write(fd, "er");
  calls.close(fd);
  assert.equal(calls.text("dir/inner"), "deeper");
  calls.put("dir/sub/leaf", "replaced");
  assert.equal(calls.text("dir/sub/leaf"), "replaced");
  assert.equal(calls.rename("dir/sub/leaf", "dir/inner"), 0);
  assert.equal(calls.text("dir/inner"), "replaced");
  assert.deepEqual(calls.names("dir/sub"), []);
  assert.equal(calls.rmdir("dir/sub"), 0);
  calls.put("dir/sub", "a file where a directory was");
  assert.equal(calls.typeOf("dir/sub"), REGULAR_FILE);
  fails(calls.stat("dir/sub/leaf"), ENOTDIR);
  assert.equal(calls.unlink("dir/sub"), 0);
  assert.equal(calls.mkdir("dir/sub"), 0);
  assert.deepEqual(calls.names("dir/sub"), []);
  assert.deepEqual(calls.names("dir"), ["inner", "sub"]);
  assert.equal(calls.unlink("file"), 0);
  assert.equal(calls.mkdir("file"), 0);
  calls.put("file/inside", "x");
  assert.equal(calls.text("file/inside"), "x");
});

// ---------------------------------------------------------------------------------------------------------- refusing

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
