/**
 * Line discipline: what a terminal makes of the keys that are typed, as termios(3): signals, erasing, end of file, echo.
 *
 * Life: functions on a `Terminal`, whose lock they take.
 */
import { Signal } from "../abi/enums.ts";
import type { KernelMemory } from "../shm/index.ts";
import { addCell, cellAt, CellMark, CELLS, Terminal, TerminalMode } from "./terminal.ts";

/** What came of typing. */
export interface Typed {
  /** Bytes that were taken; the rest has no room until somebody reads. */
  taken: number;
  /** What is to be shown. */
  echo: number[];
  /** Signals for the program, in their order. */
  signals: number[];
  /** There is more that the program is to read, when the echo has been shown. */
  isComplete: boolean;
}

const BELL = 7;
const BACKSPACE = 8;
const LINE_FEED = 10;
const RETURN = 13;
const SPACE = 32;
const DELETE = 127;
const control = (letter: string): number => letter.charCodeAt(0) & 31;
const SIGNAL_KEYS: ReadonlyMap<number, number> = new Map<number, number>([
  [control("C"), Signal.INT],
  [control("\\"), Signal.QUIT],
  [control("Z"), Signal.TSTP],
]);

/**
 * Types: passes raw bytes through the line discipline, from `from` on, up to what completes a line. In every mode Return is a line feed and Ctrl-C,
 * Ctrl-\ and Ctrl-Z are signals: the ABI has no mode for either. When the echo has been shown, `completeInput` lets the program read.
 */
export function typeInput(
  memory: KernelMemory,
  terminal: number,
  bytes: Uint8Array,
  from = 0,
): Typed {
  const typed: Typed = { taken: 0, echo: [], signals: [], isComplete: false };
  Terminal.lock.acquire(memory, terminal);
  const inLines = (Terminal.modes.get(memory, terminal) & TerminalMode.lines) !== 0;
  for (const byte of bytes.subarray(from)) {
    if (!typeByte(memory, terminal, byte === RETURN ? LINE_FEED : byte, typed)) break;
    typed.taken++;
    if (inLines && typed.isComplete) break;
  }
  Terminal.lock.release(memory, terminal);
  return typed;
}

/** False when there is no room for the byte. */
function typeByte(memory: KernelMemory, terminal: number, byte: number, typed: Typed): boolean {
  const modes = Terminal.modes.get(memory, terminal);
  const echo = (...shown: number[]) => {
    if ((modes & TerminalMode.echo) !== 0) typed.echo.push(...shown);
  };
  const signal = SIGNAL_KEYS.get(byte);
  if (signal !== undefined) {
    typed.signals.push(signal);
    typed.isComplete = false;
    // What was typed before belongs to what is interrupted.
    Terminal.ready.set(memory, terminal, 0);
    Terminal.edited.set(memory, terminal, 0);
    echo(...shownAs(byte));
    return true;
  }
  const ready = Terminal.ready.get(memory, terminal);
  const room = CELLS - ready - Terminal.edited.get(memory, terminal);
  const complete = (mark: number) => {
    if (room === 0) return false;
    addCell(memory, terminal, byte, mark);
    typed.isComplete = true;
    return true;
  };
  if ((modes & TerminalMode.lines) === 0) {
    if (!complete(CellMark.none)) return false;
    echo(...shownAs(byte));
    return true;
  }
  switch (byte) {
    case DELETE:
    case BACKSPACE:
      erase(memory, terminal, 1, echo);
      return true;
    case control("U"):
      erase(memory, terminal, CELLS, echo);
      return true;
    case control("W"):
      erase(memory, terminal, lengthOfWord(memory, terminal), echo);
      return true;
    case control("D"):
      return complete(CellMark.endOfFile);
    case LINE_FEED:
      if (!complete(CellMark.last)) return false;
      echo(byte);
      return true;
    default:
      // The last cell is for the end of the line.
      if (room <= 1) {
        if (ready > 0) return false;
        echo(BELL);
        return true;
      }
      addCell(memory, terminal, byte, CellMark.none);
      echo(...shownAs(byte));
      return true;
  }
}

/** A control character as two visible ones, but tabs and line feeds. */
function shownAs(byte: number): number[] {
  const isControl = (byte < SPACE && byte !== 9 && byte !== LINE_FEED) || byte === DELETE;
  return isControl ? [94, byte ^ 64] : [byte];
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** The last byte of the edited line, or -1. */
function lastTyped(memory: KernelMemory, terminal: number, back = 1): number {
  const edited = Terminal.edited.get(memory, terminal);
  if (edited < back) return -1;
  return memory.u8[cellAt(memory, terminal, Terminal.ready.get(memory, terminal) + edited - back)];
}

/** Takes characters, of however many bytes, off the edited line. */
function erase(
  memory: KernelMemory,
  terminal: number,
  characters: number,
  echo: (...shown: number[]) => void,
): void {
  for (; characters > 0; characters--) {
    let byte = lastTyped(memory, terminal);
    if (byte < 0) return;
    const width = byte < 0x80 ? shownAs(byte).length : 1;
    for (let more = true; more && byte >= 0;) {
      Terminal.edited.set(memory, terminal, Terminal.edited.get(memory, terminal) - 1);
      more = isContinuation(byte);
      byte = lastTyped(memory, terminal);
    }
    for (let column = 0; column < width; column++) echo(BACKSPACE, SPACE, BACKSPACE);
  }
}

/** Characters of the last word and of what follows it. A word is of letters, digits and `_`, as on Linux. */
function lengthOfWord(memory: KernelMemory, terminal: number): number {
  let characters = 0;
  let inWord = false;
  for (let back = 1; ; back++) {
    const byte = lastTyped(memory, terminal, back);
    if (byte < 0) return characters;
    const isWord = byte >= 0x80 || /\w/.test(String.fromCharCode(byte));
    if (!isWord && inWord) return characters;
    inWord ||= isWord;
    if (!isContinuation(byte)) characters++;
  }
}
