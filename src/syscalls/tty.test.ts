import assert from "node:assert/strict";
import test from "node:test";
import { withProcess } from "../../tests/support/syscall-fixture.ts";
import { Errno } from "../abi/errno.ts";
import { Tty } from "../abi/layouts.ts";
import type { TerminalState } from "./port.ts";

test(
  "a process without a terminal",
  withProcess((fixture) => {
    const at = fixture.reserve(Tty.$size);
    assert.equal(fixture.call("tty_get", at), Errno.ENOTSUP);
    assert.equal(fixture.call("tty_set", at), Errno.ENOTSUP);
  }),
);

test(
  "a terminal's state goes to the guest and comes back",
  withProcess((fixture) => {
    let state: TerminalState = {
      columns: 80,
      rows: 25,
      width: 800,
      height: 600,
      stdin: true,
      stdout: false,
      stderr: true,
      echo: true,
      lineBuffered: false,
      lineFeeds: true,
    };
    const before = state;
    fixture.context.terminal = {
      get: () => state,
      set: (given) => {
        if (given.rows === 0) return -Errno.EINVAL;
        state = given;
        return 0;
      },
    };
    const at = fixture.reserve(Tty.$size);
    fixture.do("tty_get", at);
    assert.equal(fixture.u32(at + Tty.cols), 80);
    fixture.do("tty_set", at);
    assert.deepEqual(state, before);
    fixture.guest.u8[at + Tty.echo] = 0;
    fixture.do("tty_set", at);
    assert.deepEqual(state, { ...before, echo: false });
    fixture.guest.u8.fill(0, at, at + Tty.$size);
    assert.equal(fixture.call("tty_set", at), Errno.EINVAL);
  }),
);
