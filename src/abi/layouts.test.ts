import assert from "node:assert/strict";
import test from "node:test";
import * as layouts from "./layouts.ts";
import { FilestatSnapshot0 } from "./snapshot0-layouts.ts";

test("every field lies inside its struct, and the size is a multiple of the alignment", () => {
  for (const [name, layout] of Object.entries(layouts)) {
    assert.equal(layout.$size % layout.$align, 0, name);
    for (const [field, offset] of Object.entries(layout)) {
      if (!field.startsWith("$")) assert.ok(offset < layout.$size, `${name}.${field}`);
    }
  }
});

test("the shapes that every program uses are those of the C headers", () => {
  const { Ciovec, Dirent, Event, Filestat, Subscription, ThreadStart } = layouts;
  assert.deepEqual(Ciovec, { $size: 8, $align: 4, buf: 0, buf_len: 4 });
  assert.deepEqual([Dirent.$size, Dirent.d_namlen, Dirent.d_type], [24, 16, 20]);
  assert.deepEqual(
    [Filestat.$size, Filestat.nlink, Filestat.size, Filestat.ctim],
    [64, 24, 32, 56],
  );
  assert.deepEqual(
    [FilestatSnapshot0.$size, FilestatSnapshot0.nlink, FilestatSnapshot0.ctim],
    [56, 20, 48],
  );
  assert.deepEqual([Event.$size, Event.error, Event.type], [32, 8, 10]);
  assert.deepEqual(
    [ThreadStart.$size, ThreadStart.stack_size, ThreadStart.guard_size],
    [64, 56, 60],
  );
  assert.deepEqual(
    [Subscription.$size, Subscription.tag, Subscription.clock_timeout, Subscription.clock_flags],
    [48, 8, 24, 40],
  );
});

test("the parts of a struct and the members of a union have their own offsets", () => {
  const { AddrPort, ProcessHandles, JoinStatus } = layouts;
  assert.deepEqual([AddrPort.tag, AddrPort.inet4_port, AddrPort.inet4_addr], [0, 2, 4]);
  assert.deepEqual([AddrPort.inet6_addr, AddrPort.unix, AddrPort.$size], [4, 2, 110]);
  assert.deepEqual([ProcessHandles.stdout, ProcessHandles.stdout_some], [12, 16]);
  assert.deepEqual([JoinStatus.exit_normal, JoinStatus.exit_signal_signal], [2, 4]);
});
