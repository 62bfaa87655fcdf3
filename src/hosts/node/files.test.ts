import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { Errno } from "../../abi/errno.ts";
import { HostPlace, HostStat } from "../../fs/hostfs/index.ts";
import { Name, Open } from "../../vfs/index.ts";
import { errnoOf } from "./errno.ts";
import { NodeFiles } from "./files.ts";

const name = (text: string) => {
  const bytes = Buffer.from(text);
  return new Name().set(bytes, 0, bytes.length);
};

test("errors of the system have their number in the ABI, others are no errors of the system", () => {
  const thrownBy = (act: () => void) => {
    try {
      act();
    } catch (error) {
      return errnoOf(error);
    }
    return 0;
  };
  assert.equal(
    thrownBy(() => fs.openSync("/none", 0)),
    -Errno.ENOENT,
  );
  assert.equal(
    thrownBy(() => fs.mkdirSync("/")),
    -Errno.EEXIST,
  );
  assert.equal(
    thrownBy(() => fs.closeSync(2 ** 30)),
    -Errno.EBADF,
  );
  assert.equal(errnoOf({ code: "EOPNOTSUPP", errno: -95 }), -Errno.ENOTSUP);
  assert.equal(errnoOf({ code: "UNKNOWN", errno: -122 }), -Errno.EDQUOT);
  assert.equal(errnoOf({ code: "EWHATEVER", errno: -4000 }), -Errno.EIO);
  assert.equal(errnoOf({ code: "constructor", errno: -4000 }), -Errno.EIO);
  assert.throws(() => thrownBy(() => fs.ftruncateSync(0, 0.5)), RangeError);
});

test("paths that are no UTF-8 have no text", () => {
  const files = new NodeFiles();
  assert.equal(files.text(Buffer.from("/größe")), "/größe");
  assert.equal(files.text(Uint8Array.of(0x2f, 0xff)), "");
  assert.equal(files.resolve("/none/at/all"), -Errno.ENOENT);
});

for (const pins of [true, false]) {
  const how = pins ? "" : ", as far as a path can say";
  test(`one name in one directory, never what a link there points to${how}`, (context) => {
    const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "weft-files-")));
    context.after(() => fs.rmSync(base, { recursive: true }));
    const inside = path.join(base, "inside");
    fs.mkdirSync(inside);
    fs.writeFileSync(path.join(base, "secret"), "secret");
    fs.symlinkSync("../secret", path.join(inside, "link"));
    fs.symlinkSync("..", path.join(inside, "up"));
    const files = new NodeFiles({ pins });
    const place = new HostPlace();
    if (files.pins) place.descriptor = files.openRoot(Buffer.from(inside));
    else place.path = inside;
    const stat = new HostStat();
    assert.equal(files.openAt(place, name("link"), Open.read, 0), -Errno.ELOOP);
    assert.equal(files.openAt(place, name("link"), Open.write | Open.truncate, 0), -Errno.ELOOP);
    assert.equal(files.openAt(place, name("up"), Open.read | Open.directory, 0), -Errno.ENOTDIR);
    assert.equal(files.statAt(place, name("link"), stat), 0);
    assert.equal(stat.size, 9);
    // The directory's name is given to a link.
    fs.renameSync(inside, path.join(base, "elsewhere"));
    fs.symlinkSync(base, inside);
    if (files.pins) {
      assert.equal(files.openDirectoryAt(place, name("up")), -Errno.ENOTDIR);
      assert.equal(files.statAt(place, name("link"), stat), 0);
      assert.equal(files.statAt(place, name("secret"), stat), -Errno.ENOENT);
      files.close(place.descriptor);
    } else {
      assert.equal(files.statAt(place, name("secret"), stat), -Errno.EACCES);
      assert.equal(files.openAt(place, name("secret"), Open.read, 0), -Errno.EACCES);
    }
  });
}

test("a target with a NUL byte is refused, not a fault", () => {
  const files = new NodeFiles();
  const place = new HostPlace();
  place.path = os.tmpdir();
  assert.equal(files.symlinkAt(place, name("never"), Uint8Array.of(97, 0)), -Errno.EINVAL);
});
