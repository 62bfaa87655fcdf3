import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { Filetype, Signal } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Tty } from "../abi/layouts.ts";
import {
  addSignalCallback,
  completeInput,
  createTerminal,
  endTerminalInput,
  installFile,
  noteToldModes,
  ALL_RIGHTS,
  openTerminal,
  Process,
  readTerminalState,
  TerminalMode,
  typeInput,
} from "../kernel/index.ts";
import { Access } from "../vfs/index.ts";

const SIZE = { columns: 80, rows: 25, width: 800, height: 600 };

/** Gives the process a terminal, also as descriptor 0. */
function withTerminal(fixture: SyscallFixture): number {
  const { memory } = fixture.machine;
  const terminal = createTerminal(memory, SIZE, 0);
  Process.terminal.set(memory, fixture.process, terminal);
  fixture.do("fd_close", 0);
  const file = openTerminal(memory, terminal, Access.read, 0);
  assert.equal(
    installFile(memory, Process.files.get(memory, fixture.process), file, ALL_RIGHTS),
    0,
  );
  return terminal;
}

function type(fixture: SyscallFixture, terminal: number, text: string): void {
  const { memory } = fixture.machine;
  const { isComplete } = typeInput(memory, terminal, new TextEncoder().encode(text));
  if (isComplete) completeInput(memory, terminal);
}

function read(fixture: SyscallFixture, length = 100): string | unknown {
  const at = fixture.reserve(length);
  const result = fixture.reserve(4);
  const errno = fixture.call("fd_read", 0, ...fixture.buffers([at, length]), result);
  return errno === 0 ? fixture.text(at, fixture.u32(result)) : errno;
}

test(
  "a process without a terminal",
  withProcess((fixture) => {
    const at = fixture.reserve(Tty.$size);
    assert.equal(fixture.call("tty_get", at), Errno.ENOTSUP);
    assert.equal(fixture.call("tty_set", at), Errno.ENOTSUP);
    assert.equal(fixture.call("tty_get", -4), Errno.EMEMVIOLATION);
    assert.equal(fixture.call("tty_set", -4), Errno.EMEMVIOLATION);
  }),
);

test(
  "a terminal's state goes to the guest and comes back",
  withProcess((fixture) => {
    addSignalCallback(fixture.machine.memory, fixture.process, "handler");
    const terminal = withTerminal(fixture);
    const { memory } = fixture.machine;
    const at = fixture.reserve(Tty.$size);
    fixture.do("tty_get", at);
    const numbers = [Tty.cols, Tty.rows, Tty.width, Tty.height].map((to) => fixture.u32(at + to));
    assert.deepEqual(numbers, [80, 25, 800, 600]);
    // Descriptor 0 is the terminal, 1 is a pipe, 2 is closed; echo, lines, line feeds.
    assert.deepEqual([...fixture.guest.u8.slice(at + 16, at + 22)], [1, 0, 0, 1, 1, 1]);
    fixture.do("tty_set", at);
    assert.deepEqual(fixture.signals, []);
    fixture.guest.u8[at + Tty.echo] = 0;
    fixture.guest.u8[at + Tty.line_feeds] = 0;
    fixture.guest.view.setUint32(at + Tty.cols, 100, true);
    fixture.do("tty_set", at);
    const expected = { ...SIZE, columns: 100, modes: TerminalMode.lines };
    assert.deepEqual(readTerminalState(memory, terminal), expected);
    assert.deepEqual(fixture.signals, [Signal.WINCH]);
    const stat = fixture.reserve(24);
    fixture.do("fd_fdstat_get", 0, stat);
    assert.equal(fixture.guest.u8[stat], Filetype.CHARACTER_DEVICE);
  }),
);

test(
  "a change of modes waits until a host that asked for them knows",
  withProcess((fixture) => {
    const terminal = withTerminal(fixture);
    const { memory } = fixture.machine;
    const at = fixture.reserve(Tty.$size);
    fixture.do("tty_get", at);
    const setEcho = (echo: number) => {
      let sleeps = 0;
      fixture.context.onSleep = () => {
        sleeps++;
        noteToldModes(memory, terminal, readTerminalState(memory, terminal).modes);
      };
      fixture.guest.u8[at + Tty.echo] = echo;
      fixture.do("tty_set", at);
      return sleeps;
    };
    assert.equal(setEcho(0), 0);
    noteToldModes(memory, terminal, readTerminalState(memory, terminal).modes);
    assert.equal(setEcho(1), 1);
    assert.equal(setEcho(1), 0);
    assert.equal(setEcho(0), 1);
    // The guest runs on the agent that would have to be told.
    fixture.context.canWaitForHost = false;
    assert.equal(setEcho(1), 0);
    fixture.context.canWaitForHost = true;
    noteToldModes(memory, terminal);
    assert.equal(setEcho(0), 0);
  }),
);

test(
  "a read sleeps until a line is typed, and ends with the input",
  withProcess((fixture) => {
    const terminal = withTerminal(fixture);
    const { context } = fixture;
    const keys = ["on", "e\r", ""];
    context.onSleep = () => {
      const next = keys.shift();
      if (next === undefined || next === "") endTerminalInput(fixture.machine.memory, terminal);
      else type(fixture, terminal, next);
      if (next === "on") context.onSleep!();
    };
    assert.equal(read(fixture), "one\n");
    assert.equal(read(fixture), "");
    assert.equal(read(fixture), "");
  }),
);

test(
  "without lines every key can be read",
  withProcess((fixture) => {
    const terminal = withTerminal(fixture);
    const at = fixture.reserve(Tty.$size);
    type(fixture, terminal, "ha");
    fixture.do("fd_fdstat_set_flags", 0, 4);
    assert.equal(read(fixture), Errno.EAGAIN);
    fixture.do("tty_get", at);
    fixture.guest.u8[at + Tty.line_buffered] = 0;
    fixture.do("tty_set", at);
    // What was typed of a line is there at once.
    assert.equal(read(fixture), "ha");
    type(fixture, terminal, "\u007f\u0004q");
    assert.equal(read(fixture), "\u007f\u0004q");
    assert.equal(read(fixture), Errno.EAGAIN);
  }),
);
