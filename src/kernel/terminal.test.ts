import assert from "node:assert/strict";
import test from "node:test";
import { FixtureMachine } from "../../tests/support/syscall-fixture.ts";
import { Signal } from "../abi/enums.ts";
import { Transfer, WOULD_BLOCK } from "../vfs/index.ts";
import {
  addEditedInput,
  completeInput,
  createTerminal,
  dropTerminal,
  endTerminalInput,
  readTerminal,
  setTerminalModes,
  TerminalMode,
} from "./terminal.ts";
import { typeInput } from "./line-discipline.ts";

const { echo, lines } = TerminalMode;
const encoder = new TextEncoder();

/** A terminal that is typed into and read. */
class Keyboard {
  constructor(
    private readonly machine: FixtureMachine,
    private readonly terminal: number,
  ) {}

  /** What is shown of keys, and the signals they make. */
  type(keys: string): { shown: string; signals: number[]; taken: number } {
    const { memory } = this.machine;
    const bytes = encoder.encode(keys);
    const echoed: number[] = [];
    const signals: number[] = [];
    let taken = 0;
    while (taken < bytes.length) {
      const typed = typeInput(memory, this.terminal, bytes, taken);
      if (typed.isComplete) completeInput(memory, this.terminal);
      echoed.push(...typed.echo);
      signals.push(...typed.signals);
      taken += typed.taken;
      if (typed.taken === 0) break;
    }
    return { shown: new TextDecoder().decode(Uint8Array.from(echoed)), signals, taken };
  }

  /** One read; undefined where it would block. */
  read(room = 10_000): string | undefined {
    const bytes = new Uint8Array(room);
    const transfer = new Transfer().single(bytes, 0, room);
    const count = readTerminal(this.machine.memory, this.terminal, transfer);
    if (count === WOULD_BLOCK) return undefined;
    return new TextDecoder().decode(bytes.subarray(0, count));
  }

  modes(modes: number): void {
    setTerminalModes(this.machine.memory, this.terminal, modes);
  }

  edited(text: string): number {
    return addEditedInput(this.machine.memory, this.terminal, encoder.encode(text));
  }

  end(): void {
    endTerminalInput(this.machine.memory, this.terminal);
  }
}

function onTerminal(name: string, body: (keyboard: Keyboard) => void): void {
  test(name, () => {
    const machine = new FixtureMachine();
    const size = { columns: 80, rows: 24, width: 0, height: 0 };
    const terminal = createTerminal(machine.memory, size, 0);
    body(new Keyboard(machine, terminal));
    dropTerminal(machine.kernel.vfs, terminal);
    machine.destroy();
  });
}

onTerminal("a line is there when it has ended, and one read gives one line", (keyboard) => {
  assert.equal(keyboard.type("first").shown, "first");
  assert.equal(keyboard.read(), undefined);
  assert.equal(keyboard.type("\rsecond\nthird").shown, "\nsecond\nthird");
  assert.equal(keyboard.read(), "first\n");
  assert.equal(keyboard.read(3), "sec");
  assert.equal(keyboard.read(), "ond\n");
  assert.equal(keyboard.read(), undefined);
});

onTerminal("erasing characters, words and the line", (keyboard) => {
  const blank = "\b \b";
  assert.equal(keyboard.type("ab\u007f").shown, "ab" + blank);
  assert.equal(keyboard.type("\b\b").shown, blank);
  // Characters of several bytes, and one that is shown as two.
  assert.equal(keyboard.type("é€\u0001").shown, "é€^A");
  assert.equal(keyboard.type("\u007f\u007f").shown, blank.repeat(3));
  assert.equal(keyboard.type(" one two  ").shown, " one two  ");
  assert.equal(keyboard.type("\u0017").shown, blank.repeat(5));
  assert.equal(keyboard.type("a.b_1 -\u0017\u0017").shown, `a.b_1 -${blank.repeat(7)}`);
  keyboard.type("x\r");
  assert.equal(keyboard.read(), "é one x\n");
  assert.equal(keyboard.type("gone\u0015here\r").shown, "gone" + blank.repeat(4) + "here\n");
  assert.equal(keyboard.read(), "here\n");
  // What can be read is out of reach.
  keyboard.type("a\r\u007f\u0015\u0017");
  assert.equal(keyboard.read(), "a\n");
});

onTerminal("Ctrl-D sends off what is typed; of nothing it is the end of file, once", (keyboard) => {
  assert.equal(keyboard.type("ab\u0004").shown, "ab");
  assert.equal(keyboard.read(), "ab");
  assert.equal(keyboard.read(), undefined);
  keyboard.type("\u0004");
  assert.equal(keyboard.read(), "");
  assert.equal(keyboard.read(), undefined);
  // A buffer that the bytes fill takes the end with them.
  keyboard.type("cd\u0004e\r");
  assert.equal(keyboard.read(2), "cd");
  assert.equal(keyboard.read(), "e\n");
});

onTerminal("signal keys drop what was typed before", (keyboard) => {
  assert.deepEqual(keyboard.type("line\rhalf\u0003next\r"), {
    shown: "line\nhalf^Cnext\n",
    signals: [Signal.INT],
    taken: 15,
  });
  assert.equal(keyboard.read(), "next\n");
  assert.deepEqual(keyboard.type("\u001c\u001a").signals, [Signal.QUIT, Signal.TSTP]);
});

onTerminal("no echo", (keyboard) => {
  keyboard.modes(lines);
  assert.equal(keyboard.type("secret\u007f\u0003word\r").shown, "");
  assert.equal(keyboard.read(), "word\n");
});

onTerminal("key by key", (keyboard) => {
  keyboard.type("ab");
  keyboard.modes(0);
  assert.equal(keyboard.read(), "ab");
  assert.equal(keyboard.type("x\r\u007f\u0004").shown, "");
  assert.equal(keyboard.read(2), "x\n");
  assert.equal(keyboard.read(), "\u007f\u0004");
  assert.deepEqual(keyboard.type("\u0003").signals, [Signal.INT]);
  keyboard.modes(echo);
  assert.equal(keyboard.type("y\u001b").shown, "y^[");
  assert.equal(keyboard.read(), "y\u001b");
  assert.equal(keyboard.read(), undefined);
});

onTerminal("the queue is bounded", (keyboard) => {
  const long = "x".repeat(5000);
  // A line that is too long loses what is beyond, with a bell; it can still be ended.
  const { shown, taken } = keyboard.type(long);
  assert.equal(taken, 5000);
  assert.equal(shown, "x".repeat(4095) + "\u0007".repeat(905));
  keyboard.type("\r");
  assert.equal(keyboard.type("y").taken, 0);
  assert.equal(keyboard.read(), "x".repeat(4095) + "\n");
  assert.equal(keyboard.type("y\r").taken, 2);
  assert.equal(keyboard.read(), "y\n");
  keyboard.modes(0);
  assert.equal(keyboard.type(long).taken, 4096);
  assert.equal(keyboard.read(), "x".repeat(4096));
});

onTerminal("what the host's terminal has edited", (keyboard) => {
  assert.equal(keyboard.edited("one\ntwo\nthree"), 13);
  assert.deepEqual(
    [keyboard.read(), keyboard.read(), keyboard.read()],
    ["one\n", "two\n", "three"],
  );
  assert.equal(keyboard.edited("y".repeat(5000)), 4096);
  assert.equal(keyboard.edited("z"), 0);
  assert.equal(keyboard.read(5000), "y".repeat(4096));
});

onTerminal("the end of the input comes after what is left", (keyboard) => {
  keyboard.type("a\rb");
  keyboard.end();
  assert.deepEqual([keyboard.read(), keyboard.read(), keyboard.read()], ["a\n", "b", ""]);
});
