import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { Clockid, Eventtype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Eventrwflags, Oflags, Rights, Subclockflags } from "../abi/flags.ts";
import { Event, Subscription } from "../abi/layouts.ts";
import { SubscriptionSnapshot0 } from "../abi/snapshot0-layouts.ts";

interface Told {
  userdata: bigint;
  error: number;
  type: number;
  bytes: bigint;
  hangup: boolean;
}

type Want =
  | { type: "read" | "write"; fd: number }
  | { type: "clock"; timeout: bigint; absolute?: boolean; id?: number }
  | { type: "unknown" };

const HOUR = 3600n * 10n ** 9n;

/** Puts subscriptions in the guest's memory, numbered from 100 on. */
function subscribe(fixture: SyscallFixture, wants: readonly Want[], layout = Subscription): number {
  const at = fixture.reserve(wants.length * layout.$size);
  const { view } = fixture.guest;
  for (const [index, want] of wants.entries()) {
    const own = at + index * layout.$size;
    view.setBigUint64(own + layout.userdata, 100n + BigInt(index), true);
    if (want.type === "unknown") fixture.guest.u8[own + layout.tag] = 9;
    else if (want.type === "clock") {
      fixture.guest.u8[own + layout.tag] = Eventtype.CLOCK;
      view.setUint32(own + layout.clock_id, want.id ?? Clockid.MONOTONIC, true);
      view.setBigUint64(own + layout.clock_timeout, want.timeout, true);
      const flags = want.absolute === true ? Subclockflags.SUBSCRIPTION_CLOCK_ABSTIME : 0;
      view.setUint16(own + layout.clock_flags, flags, true);
    } else {
      const type = want.type === "read" ? Eventtype.FD_READ : Eventtype.FD_WRITE;
      fixture.guest.u8[own + layout.tag] = type;
      view.setUint32(own + layout.fd_read_file_descriptor, want.fd, true);
    }
  }
  return at;
}

function events(fixture: SyscallFixture, output: number, count: number): Told[] {
  return Array.from({ length: count }, (_, index) => {
    const at = output + index * Event.$size;
    return {
      userdata: fixture.u64(at),
      error: fixture.guest.view.getUint16(at + Event.error, true),
      type: fixture.guest.u8[at + Event.type],
      bytes: fixture.u64(at + Event.fd_readwrite_nbytes),
      hangup: (fixture.u32(at + Event.fd_readwrite_flags) & Eventrwflags.FD_READWRITE_HANGUP) !== 0,
    };
  });
}

function poll(fixture: SyscallFixture, ...wants: readonly Want[]): Told[] | unknown {
  const output = fixture.reserve(wants.length * Event.$size);
  const result = fixture.reserve(4);
  const errno = fixture.call(
    "poll_oneoff",
    subscribe(fixture, wants),
    output,
    wants.length,
    result,
  );
  return errno === 0 ? events(fixture, output, fixture.u32(result)) : errno;
}

function pipe(fixture: SyscallFixture): [reader: number, writer: number] {
  const result = fixture.reserve(8);
  fixture.do("fd_pipe", result, result + 4);
  return [fixture.u32(result), fixture.u32(result + 4)];
}

function write(fixture: SyscallFixture, fd: number, length: number): void {
  fixture.do("fd_write", fd, ...fixture.buffers([1024, length]), fixture.reserve(4));
}

const event = (index: number, type: number, more: Partial<Told> = {}): Told => ({
  userdata: 100n + BigInt(index),
  error: 0,
  type,
  bytes: 0n,
  hangup: false,
  ...more,
});

const { CLOCK, FD_READ, FD_WRITE } = Eventtype;

function process(name: string, body: (fixture: SyscallFixture) => void): void {
  test(name, withProcess(body));
}

process("what is ready is told at once, in the order asked", (fixture) => {
  const [reader, writer] = pipe(fixture);
  write(fixture, writer, 5);
  const told = poll(
    fixture,
    { type: "clock", timeout: HOUR },
    { type: "write", fd: writer },
    { type: "read", fd: reader },
  );
  assert.deepEqual(told, [event(1, FD_WRITE), event(2, FD_READ, { bytes: 5n })]);
  assert.equal(fixture.context.sleeps, 0);
});

process("a full pipe is not ready for writing", (fixture) => {
  const [, writer] = pipe(fixture);
  write(fixture, writer, 65536);
  const told = poll(fixture, { type: "write", fd: writer }, { type: "clock", timeout: 0n });
  assert.deepEqual(told, [event(1, CLOCK)]);
});

process("files are always ready, with what is left to read", (fixture) => {
  const result = fixture.reserve(4);
  const at = fixture.path("f");
  fixture.do("path_open", 3, 0, ...at, Oflags.CREAT, -1n, -1n, 0, result);
  const fd = fixture.u32(result);
  write(fixture, fd, 10);
  fixture.do("fd_seek", fd, 4n, 0, fixture.reserve(8));
  const told = poll(fixture, { type: "read", fd }, { type: "write", fd });
  assert.deepEqual(told, [event(0, FD_READ, { bytes: 6n }), event(1, FD_WRITE)]);
});

process("ends that are gone are a hang-up", (fixture) => {
  const [reader, writer] = pipe(fixture);
  const [otherReader, otherWriter] = pipe(fixture);
  fixture.do("fd_close", writer);
  fixture.do("fd_close", otherReader);
  const told = poll(fixture, { type: "read", fd: reader }, { type: "write", fd: otherWriter });
  assert.deepEqual(told, [
    event(0, FD_READ, { hangup: true }),
    event(1, FD_WRITE, { hangup: true }),
  ]);
});

process("what cannot be waited for is an event with an errno", (fixture) => {
  const [reader] = pipe(fixture);
  fixture.do("fd_fdstat_set_rights", reader, BigInt(Rights.FD_READ), 0n);
  const told = poll(
    fixture,
    { type: "read", fd: 77 },
    { type: "read", fd: reader },
    { type: "unknown" },
    { type: "clock", timeout: 0n, id: Clockid.PROCESS_CPUTIME_ID },
    { type: "clock", timeout: 0n, id: 12 },
    { type: "clock", timeout: HOUR },
  );
  assert.deepEqual(told, [
    event(0, FD_READ, { error: Errno.EBADF }),
    event(1, FD_READ, { error: Errno.ENOTCAPABLE }),
    event(2, 9, { error: Errno.EINVAL }),
    event(3, CLOCK, { error: Errno.ENOTSUP }),
    event(4, CLOCK, { error: Errno.EINVAL }),
  ]);
});

process("clocks: a timeout of none, of a little, of the past, in both clocks", (fixture) => {
  const [reader] = pipe(fixture);
  const told = [event(1, CLOCK)];
  // The fixture's signal would end the wait.
  fixture.context.onSleep = () => undefined;
  fixture.context.interrupts = false;
  for (const id of [Clockid.REALTIME, Clockid.MONOTONIC]) {
    for (const timeout of [0n, 1n, 2_000_000n]) {
      assert.deepEqual(
        poll(fixture, { type: "read", fd: reader }, { type: "clock", timeout, id }),
        told,
      );
    }
    const past = { type: "clock", timeout: 5n, id, absolute: true } as const;
    assert.deepEqual(poll(fixture, { type: "read", fd: reader }, past), told);
    const result = fixture.reserve(8);
    fixture.do("clock_time_get", id, 0n, result);
    const soon = { ...past, timeout: fixture.u64(result) + 3_000_000n };
    assert.deepEqual(poll(fixture, { type: "read", fd: reader }, soon), told);
    fixture.do("clock_time_get", id, 0n, result);
    assert.ok(fixture.u64(result) >= soon.timeout, "not before its time");
  }
});

process("a sleeping poll is woken by what it waits for", (fixture) => {
  const [reader, writer] = pipe(fixture);
  const { context } = fixture;
  context.onSleep = () => {
    context.onSleep = undefined;
    fixture.machine.writeIn(fixture.process, writer, "ab");
  };
  const told = poll(
    fixture,
    { type: "read", fd: 1 },
    { type: "read", fd: reader },
    { type: "clock", timeout: HOUR },
  );
  assert.deepEqual(told, [event(1, FD_READ, { bytes: 2n })]);
  assert.equal(context.sleeps, 1);
});

process("an event object wakes a poll", (fixture) => {
  const result = fixture.reserve(4);
  fixture.do("fd_event", 0n, 0, result);
  const fd = fixture.u32(result);
  const { context } = fixture;
  context.onSleep = () => {
    context.onSleep = undefined;
    fixture.machine.writeIn(fixture.process, fd, "\u0001\0\0\0\0\0\0\0");
  };
  assert.deepEqual(poll(fixture, { type: "read", fd }), [event(0, FD_READ, { bytes: 8n })]);
});

process("a signal handler ends a poll with EINTR, a kill with the thread", (fixture) => {
  const [reader] = pipe(fixture);
  assert.equal(poll(fixture, { type: "read", fd: reader }), Errno.EINTR);
  fixture.context.signalCallback = "no such export";
  assert.equal(poll(fixture, { type: "read", fd: reader }), "process exit");
});

process("how many subscriptions there may be", (fixture) => {
  assert.equal(fixture.call("poll_oneoff", 0, 0, 0, 8), Errno.EINVAL);
  assert.equal(fixture.call("poll_oneoff", 0, 0, 4097, 8), Errno.EINVAL);
  assert.equal(fixture.call("poll_oneoff", 0, 0, -1, 8), Errno.EINVAL);
  assert.equal(fixture.call("poll_oneoff", -48, 0, 1, 8), Errno.EMEMVIOLATION);
  const many = Array.from({ length: 500 }, () => ({ type: "clock", timeout: 0n }) as const);
  assert.equal((poll(fixture, ...many) as Told[]).length, 500);
});

process("the first snapshot's subscriptions", (fixture) => {
  const layout = SubscriptionSnapshot0 as unknown as typeof Subscription;
  const wants = [
    { type: "read", fd: 0 },
    { type: "clock", timeout: 0n },
  ] as const;
  const at = subscribe(fixture, wants, layout);
  const output = fixture.reserve(64);
  const result = fixture.reserve(4);
  assert.equal(fixture.callIn("wasi_unstable", "poll_oneoff", at, output, 2, result), 0);
  assert.deepEqual(events(fixture, output, fixture.u32(result)), [
    event(0, FD_READ, { hangup: true }),
    event(1, CLOCK),
  ]);
});
