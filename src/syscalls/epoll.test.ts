import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { EPOLL_TIMEOUT_FOREVER, EpollCtl, Eventtype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { EpollType, Oflags } from "../abi/flags.ts";
import { EpollData, EpollEvent, Event, Subscription } from "../abi/layouts.ts";

const { EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP, EPOLLET, EPOLLONESHOT } = EpollType;
const { ADD, MOD, DEL } = EpollCtl;
/** EPOLL_CTL_ADD and EPOLL_CTL_MOD as the C library passes them. */
const LIBRARY_ADD = 1;
const LIBRARY_MOD = 3;

function process(name: string, body: (fixture: SyscallFixture) => void): void {
  test(name, withProcess(body));
}

function create(fixture: SyscallFixture): number {
  const result = fixture.reserve(4);
  fixture.do("epoll_create", result);
  return fixture.u32(result);
}

function pipe(fixture: SyscallFixture): [reader: number, writer: number] {
  const result = fixture.reserve(8);
  fixture.do("fd_pipe", result, result + 4);
  return [fixture.u32(result), fixture.u32(result + 4)];
}

function eventObject(fixture: SyscallFixture, initial = 0n): number {
  const result = fixture.reserve(4);
  fixture.do("fd_event", initial, 0, result);
  return fixture.u32(result);
}

function write(fixture: SyscallFixture, fd: number, text: string): void {
  const result = fixture.reserve(4);
  fixture.do("fd_write", fd, ...fixture.buffers([fixture.put(text), text.length]), result);
}

function read(fixture: SyscallFixture, fd: number, length: number): string {
  const at = fixture.reserve(length);
  const result = fixture.reserve(4);
  fixture.do("fd_read", fd, ...fixture.buffers([at, length]), result);
  return fixture.text(at, fixture.u32(result));
}

const ONE = "\u0001\0\0\0\0\0\0\0";

/** A call of `epoll_ctl`; the data's second number is `tag`. */
function control(
  fixture: SyscallFixture,
  set: number,
  operation: number,
  fd: number,
  events = 0,
  tag = fd,
): unknown {
  const at = fixture.reserve(EpollEvent.$size);
  const { view } = fixture.guest;
  view.setUint32(at + EpollEvent.events, events, true);
  view.setUint32(at + EpollEvent.data + EpollData.ptr, 7, true);
  view.setBigUint64(at + EpollEvent.data + EpollData.data2, BigInt(tag), true);
  return fixture.call("epoll_ctl", set, operation, fd, at);
}

/** What a wait tells, as [tag, events], or its errno. */
function wait(
  fixture: SyscallFixture,
  set: number,
  { most = 10, timeout = 0n }: { most?: number; timeout?: bigint } = {},
): unknown {
  const at = fixture.reserve(most * EpollEvent.$size);
  const result = fixture.reserve(4);
  const errno = fixture.call("epoll_wait", set, at, most, timeout, result);
  if (errno !== 0) return errno;
  return Array.from({ length: fixture.u32(result) }, (_, index) => {
    const own = at + index * EpollEvent.$size;
    assert.equal(fixture.u32(own + EpollEvent.data + EpollData.ptr), 7);
    return [
      Number(fixture.u64(own + EpollEvent.data + EpollData.data2)),
      fixture.u32(own + EpollEvent.events),
    ];
  });
}

process("level: told as long as it is so", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN), 0);
  assert.equal(control(fixture, set, ADD, writer, EPOLLOUT, 99), 0);
  assert.deepEqual(wait(fixture, set), [[99, EPOLLOUT]]);
  write(fixture, writer, "ab");
  const both = [
    [reader, EPOLLIN],
    [99, EPOLLOUT],
  ];
  const told = () => (wait(fixture, set) as number[][]).sort((a, b) => a[0] - b[0]);
  assert.deepEqual(told(), both);
  assert.equal(read(fixture, reader, 1), "a");
  assert.deepEqual(told(), both);
  assert.equal(read(fixture, reader, 1), "b");
  assert.deepEqual(told(), [[99, EPOLLOUT]]);
});

process("the numbers that the C library passes add, change and remove", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  write(fixture, writer, "a");
  assert.equal(control(fixture, set, LIBRARY_MOD, reader, EPOLLIN), Errno.ENOENT);
  assert.equal(control(fixture, set, LIBRARY_ADD, reader, EPOLLIN), 0);
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLIN]]);
  assert.equal(control(fixture, set, LIBRARY_MOD, reader, EPOLLIN, 8), 0);
  assert.deepEqual(wait(fixture, set), [[8, EPOLLIN]]);
  assert.equal(control(fixture, set, DEL, reader), 0);
  assert.deepEqual(wait(fixture, set), []);
  assert.equal(control(fixture, set, LIBRARY_MOD, reader, EPOLLIN), Errno.ENOENT);
});

process("edge: told when something new comes", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN | EPOLLET), 0);
  assert.deepEqual(wait(fixture, set), []);
  write(fixture, writer, "abc");
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLIN]]);
  assert.deepEqual(wait(fixture, set), []);
  // Reading some is nothing new; writing is, even where there was something left.
  assert.equal(read(fixture, reader, 1), "a");
  assert.deepEqual(wait(fixture, set), []);
  write(fixture, writer, "d");
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLIN]]);
  // What came and went is not told.
  write(fixture, writer, "e");
  assert.equal(read(fixture, reader, 10), "bcde");
  assert.deepEqual(wait(fixture, set), []);
  // What is there when a watch begins or changes is told once.
  write(fixture, writer, "f");
  assert.equal(control(fixture, set, MOD, reader, EPOLLIN | EPOLLET, 5), 0);
  assert.deepEqual(wait(fixture, set), [[5, EPOLLIN]]);
  assert.equal(control(fixture, set, DEL, reader), 0);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN | EPOLLET, 6), 0);
  assert.deepEqual(wait(fixture, set), [[6, EPOLLIN]]);
  assert.deepEqual(wait(fixture, set), []);
});

process("one-shot: told once, until it is armed again", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN | EPOLLONESHOT), 0);
  write(fixture, writer, "a");
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLIN]]);
  write(fixture, writer, "b");
  assert.deepEqual(wait(fixture, set), []);
  fixture.do("fd_close", writer);
  assert.deepEqual(wait(fixture, set), []);
  assert.equal(control(fixture, set, MOD, reader, EPOLLIN | EPOLLONESHOT, 8), 0);
  assert.deepEqual(wait(fixture, set), [[8, EPOLLIN | EPOLLHUP]]);
  assert.deepEqual(wait(fixture, set), []);
});

process("hang-ups and errors are told, asked for or not", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  const [otherReader, otherWriter] = pipe(fixture);
  assert.equal(control(fixture, set, ADD, reader, 0), 0);
  assert.equal(control(fixture, set, ADD, otherWriter, EPOLLOUT), 0);
  write(fixture, writer, "x");
  assert.deepEqual(wait(fixture, set), [[otherWriter, EPOLLOUT]]);
  fixture.do("fd_close", writer);
  fixture.do("fd_close", otherReader);
  assert.deepEqual(
    (wait(fixture, set) as number[][]).sort((a, b) => a[0] - b[0]),
    [
      [reader, EPOLLHUP],
      [otherWriter, EPOLLOUT | EPOLLERR],
    ],
  );
  assert.equal(control(fixture, set, MOD, reader, EPOLLIN | EPOLLRDHUP), 0);
  assert.equal(control(fixture, set, DEL, otherWriter), 0);
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLIN | EPOLLHUP | EPOLLRDHUP]]);
  read(fixture, reader, 1);
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLHUP | EPOLLRDHUP]]);
});

process("a file that is closed leaves the set with its last descriptor", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  const other = fixture.reserve(4);
  fixture.do("fd_dup", reader, other);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN, 1), 0);
  assert.equal(control(fixture, set, ADD, fixture.u32(other), EPOLLIN, 2), 0);
  write(fixture, writer, "x");
  fixture.do("fd_close", reader);
  // The file lives on: so do both watches, as on Linux.
  assert.deepEqual((wait(fixture, set) as number[][]).map(([tag]) => tag).sort(), [1, 2]);
  assert.equal(control(fixture, set, MOD, reader, EPOLLIN), Errno.EBADF);
  fixture.do("fd_close", fixture.u32(other));
  assert.deepEqual(wait(fixture, set), []);
  // The same number again is another file.
  const [again] = pipe(fixture);
  assert.equal(again, reader);
  assert.equal(control(fixture, set, LIBRARY_MOD, again, EPOLLIN), Errno.ENOENT);
});

process("errors of epoll_ctl", (fixture) => {
  const set = create(fixture);
  const [reader] = pipe(fixture);
  const result = fixture.reserve(4);
  fixture.do("path_open", 3, 0, ...fixture.path("f"), Oflags.CREAT, -1n, -1n, 0, result);
  const file = fixture.u32(result);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN), 0);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN), Errno.EEXIST);
  assert.equal(control(fixture, set, ADD, 77, EPOLLIN), Errno.EBADF);
  assert.equal(control(fixture, 77, ADD, reader, EPOLLIN), Errno.EBADF);
  assert.equal(control(fixture, reader, ADD, reader, EPOLLIN), Errno.EINVAL);
  assert.equal(control(fixture, set, ADD, set, EPOLLIN), Errno.EINVAL);
  assert.equal(control(fixture, set, 4, reader, EPOLLIN), Errno.EINVAL);
  assert.equal(control(fixture, set, ADD, file, EPOLLIN), Errno.EPERM);
  assert.equal(control(fixture, set, ADD, 3, EPOLLIN), Errno.EPERM);
  assert.equal(fixture.call("epoll_ctl", set, MOD, reader, 0), Errno.EFAULT);
  assert.equal(fixture.call("epoll_ctl", set, MOD, reader, -8), Errno.EMEMVIOLATION);
  assert.equal(fixture.call("epoll_ctl", set, DEL, reader, 0), 0);
  assert.equal(control(fixture, set, DEL, reader), Errno.ENOENT);
  assert.equal(control(fixture, set, LIBRARY_MOD, reader), Errno.ENOENT);
  assert.equal(wait(fixture, set, { most: 0 }), Errno.EINVAL);
  assert.equal(wait(fixture, reader), Errno.EINVAL);
  assert.equal(wait(fixture, 77), Errno.EBADF);
  const at = fixture.reserve(8);
  assert.equal(fixture.call("epoll_wait", set, -32, 2, 0n, at), Errno.EMEMVIOLATION);
  assert.equal(fixture.call("epoll_wait", set, at, 1, 0n, -2), Errno.EMEMVIOLATION);
  assert.equal(fixture.call("epoll_create", -2), Errno.EMEMVIOLATION);
  assert.equal(fixture.call("fd_read", set, ...fixture.buffers([at, 8]), at), Errno.EINVAL);
  assert.equal(fixture.call("fd_write", set, ...fixture.buffers([at, 8]), at), Errno.EINVAL);
});

process("a wait sleeps until a watched file changes", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  const counter = eventObject(fixture);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN), 0);
  assert.equal(control(fixture, set, ADD, counter, EPOLLIN), 0);
  const { context, machine } = fixture;
  const during = (action: () => void) => {
    context.onSleep = () => {
      context.onSleep = undefined;
      action();
    };
  };
  during(() => machine.writeIn(fixture.process, counter, ONE));
  assert.deepEqual(wait(fixture, set, { timeout: EPOLL_TIMEOUT_FOREVER }), [[counter, EPOLLIN]]);
  assert.equal(read(fixture, counter, 8), ONE);
  during(() => machine.closeIn(fixture.process, writer));
  assert.deepEqual(wait(fixture, set, { timeout: EPOLL_TIMEOUT_FOREVER }), [[reader, EPOLLHUP]]);
  fixture.do("fd_close", reader);
  // Closing what is waited for wakes nobody: the wait goes on until a signal ends it.
  during(() => machine.closeIn(fixture.process, counter));
  assert.equal(wait(fixture, set, { timeout: EPOLL_TIMEOUT_FOREVER }), Errno.EINTR);
  context.interrupts = false;
  assert.deepEqual(wait(fixture, set, { timeout: 2_000_000n }), []);
});

process("the set is closed while it is waited for", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN), 0);
  fixture.context.onSleep = () => {
    fixture.context.onSleep = undefined;
    fixture.machine.closeIn(fixture.process, set);
    fixture.machine.writeIn(fixture.process, writer, "x");
  };
  assert.deepEqual(wait(fixture, set, { timeout: EPOLL_TIMEOUT_FOREVER }), [[reader, EPOLLIN]]);
  assert.equal(wait(fixture, set), Errno.EBADF);
});

process("sets in sets: one level", (fixture) => {
  const outer = create(fixture);
  const inner = create(fixture);
  const third = create(fixture);
  const [reader, writer] = pipe(fixture);
  assert.equal(control(fixture, outer, ADD, inner, EPOLLIN), 0);
  assert.equal(control(fixture, inner, ADD, reader, EPOLLIN), 0);
  assert.deepEqual(wait(fixture, outer), []);
  fixture.context.onSleep = () => {
    fixture.context.onSleep = undefined;
    fixture.machine.writeIn(fixture.process, writer, "x");
  };
  assert.deepEqual(wait(fixture, outer, { timeout: EPOLL_TIMEOUT_FOREVER }), [[inner, EPOLLIN]]);
  assert.deepEqual(wait(fixture, inner), [[reader, EPOLLIN]]);
  assert.deepEqual(wait(fixture, outer), [[inner, EPOLLIN]]);
  read(fixture, reader, 1);
  assert.deepEqual(wait(fixture, outer), []);
  assert.equal(control(fixture, inner, ADD, outer, EPOLLIN), Errno.ELOOP);
  assert.equal(control(fixture, inner, ADD, third, EPOLLIN), Errno.ELOOP);
  assert.equal(control(fixture, third, ADD, outer, EPOLLIN), Errno.ELOOP);
  fixture.do("fd_close", inner);
  assert.deepEqual(wait(fixture, outer), []);
});

process("a set can be polled", (fixture) => {
  const set = create(fixture);
  const [reader, writer] = pipe(fixture);
  assert.equal(control(fixture, set, ADD, reader, EPOLLIN | EPOLLONESHOT), 0);
  const at = fixture.reserve(Subscription.$size * 2);
  fixture.guest.u8[at + Subscription.tag] = Eventtype.FD_READ;
  fixture.guest.view.setUint32(at + Subscription.fd_read_file_descriptor, set, true);
  const output = fixture.reserve(Event.$size * 2);
  const result = fixture.reserve(4);
  fixture.context.onSleep = () => {
    fixture.context.onSleep = undefined;
    fixture.machine.writeIn(fixture.process, writer, "x");
  };
  fixture.do("poll_oneoff", at, output, 1, result);
  assert.equal(fixture.u32(result), 1);
  // Looking has spent nothing.
  assert.deepEqual(wait(fixture, set), [[reader, EPOLLIN]]);
  assert.deepEqual(wait(fixture, set), []);
});

process("more ready files than room are told in turn", (fixture) => {
  const set = create(fixture);
  const all = Array.from({ length: 40 }, () => eventObject(fixture, 1n));
  for (const fd of all) assert.equal(control(fixture, set, ADD, fd, EPOLLIN), 0);
  const seen: number[] = [];
  for (let round = 0; round < 5; round++) {
    const told = wait(fixture, set, { most: 8 }) as number[][];
    assert.equal(told.length, 8);
    seen.push(...told.map(([tag]) => tag));
  }
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    all,
  );
});
