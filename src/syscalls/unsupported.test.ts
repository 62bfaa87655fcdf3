import assert from "node:assert/strict";
import test from "node:test";
import { withProcess } from "../../tests/support/syscall-fixture.ts";
import { Errno } from "../abi/errno.ts";

test(
  "loading a library fails with a message that ends",
  withProcess((fixture) => {
    const at = fixture.reserve(100);
    const name = fixture.path("lib.so");
    assert.equal(fixture.call("dlopen", ...name, 2, at, 100, 0, 0, 8), Errno.EUNKNOWN);
    assert.match(fixture.text(at, 100), /^lib\.so: libraries cannot be loaded[^\0]*\0+$/);
    fixture.guest.u8.fill(255, at, at + 100);
    assert.equal(fixture.call("dlsym", 0, ...name, at, 5, 8), Errno.EUNKNOWN);
    assert.deepEqual([...fixture.guest.u8.slice(at, at + 6)], [108, 105, 98, 46, 0, 255]);
    assert.equal(fixture.call("dlsym", 0, ...name, at, 0, 8), Errno.EUNKNOWN);
    assert.equal(fixture.call("dlopen", ...name, 2, -5, 100, 0, 0, 8), Errno.EMEMVIOLATION);
    assert.equal(fixture.call("dl_invalid_handle", 1), Errno.ENOEXEC);
  }),
);
