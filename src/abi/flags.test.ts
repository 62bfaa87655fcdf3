import assert from "node:assert/strict";
import test from "node:test";
import { flagNames, Oflags, Rights } from "./flags.ts";

test("rights reach beyond 32 bits", () => {
  assert.equal(Rights.FD_DATASYNC, 1);
  assert.equal(Rights.SOCK_LISTEN, 2 ** 31);
  assert.equal(Rights.SOCK_SEND_TO, 2 ** 38);
  assert.equal(Object.keys(Rights).length, 39);
});

test("flags are named, and what has no name is shown in hexadecimal", () => {
  assert.equal(flagNames(Oflags, 0), "0");
  assert.equal(flagNames(Oflags, Oflags.CREAT | Oflags.TRUNC), "CREAT|TRUNC");
  assert.equal(flagNames(Oflags, Oflags.EXCL | 0x40), "EXCL|0x40");
  assert.equal(flagNames(Rights, Rights.FD_READ + Rights.SOCK_SEND_TO), "FD_READ|SOCK_SEND_TO");
  assert.equal(flagNames(Rights, 2 ** 40), "0x10000000000");
});
