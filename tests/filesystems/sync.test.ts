// What forcing bytes to the disk asks of the host: the very file, and the call that is meant.
import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import test from "node:test";
import { Errno } from "../../src/abi/errno.ts";
import { Fdflags, Oflags } from "../../src/abi/flags.ts";
import { O } from "../support/posix-calls.ts";

interface HostSync {
  readonly call: "fsync" | "fdatasync";
  readonly inode: bigint;
  /** Flags of the host's descriptor, as Linux tells them. */
  readonly flags: number;
}

/** Gets what is asked of the host, while somebody watches. */
let onSync: ((call: HostSync) => void) | undefined;

// Before what uses them takes them out of their module.
for (const call of ["fsync", "fdatasync"] as const) {
  const real = fs[`${call}Sync`];
  fs[`${call}Sync`] = (fd: number) => {
    if (onSync !== undefined) {
      const inode = fs.fstatSync(fd, { bigint: true }).ino;
      const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
      onSync({ call, inode, flags: parseInt(/flags:\s*(\d+)/.exec(info)![1], 8) });
    }
    real(fd);
  };
}
syncBuiltinESMExports();
const { hostSubject, onSubject } = await import("../support/filesystem-subjects.ts");

/** Runs an action and gives what it asked the host to force. @param failure what the host answers, if not success */
function watchSyncs(action: () => void, failure?: NodeJS.ErrnoException): HostSync[] {
  const seen: HostSync[] = [];
  onSync = (call) => {
    seen.push(call);
    if (failure !== undefined) throw failure;
  };
  try {
    action();
  } finally {
    onSync = undefined;
  }
  return seen;
}

const skip = process.platform === "linux" ? false : "reads /proc";

test("fsync and fdatasync of files and directories are the host's", { skip }, () => {
  onSubject(hostSubject, { file: "text", dir: null }, (calls, fixture) => {
    const file = calls.opened("file", O.WRONLY);
    const directory = calls.opened("dir", O.DIRECTORY);
    const inodes = ["file", "dir"].map((path) => calls.status(path).inode);
    const seen = watchSyncs(() => {
      fixture.do("fd_sync", file);
      fixture.do("fd_datasync", file);
      fixture.do("fd_sync", directory);
    });
    assert.deepEqual(
      seen.map(({ call, inode }) => [call, inode]),
      [
        ["fsync", inodes[0]],
        ["fdatasync", inodes[0]],
        ["fsync", inodes[1]],
      ],
    );
  });
});

test("what the host fails with is the program's errno", { skip }, () => {
  onSubject(hostSubject, { file: "text" }, (calls, fixture) => {
    const file = calls.opened("file", O.WRONLY);
    const failure = Object.assign(new Error("no"), { code: "EIO", errno: -5, syscall: "fsync" });
    const seen = watchSyncs(() => assert.equal(fixture.call("fd_sync", file), Errno.EIO), failure);
    assert.equal(seen.length, 1);
  });
});

test("files that are opened to be written through are so on the host", { skip }, () => {
  onSubject(hostSubject, {}, (calls, fixture) => {
    for (const [flag, host] of [
      [0, 0],
      [Fdflags.DSYNC, 0o10000],
      [Fdflags.SYNC, 0o4010000],
    ]) {
      const at = fixture.path(`file-${flag}`);
      const result = fixture.reserve(4);
      const rights = 0x3fffffffn;
      fixture.do("path_open", calls.base, 0, ...at, Oflags.CREAT, rights, rights, flag, result);
      const file = fixture.u32(result);
      const [seen] = watchSyncs(() => fixture.do("fd_sync", file));
      assert.equal(seen.flags & 0o4010000, host);
      fixture.do("fd_close", file);
    }
  });
});
