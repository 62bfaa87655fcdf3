/**
 * Terminal: what is typed, edited into lines or not, and the size of the window, as termios(3) knows them in part: echo, line mode, line feeds.
 *
 * Typed bytes come from the host program in two ways. Raw ones pass through the line discipline (`line-discipline.ts`): signals, erasing, end of file, echo.
 * Edited ones come from a terminal of the host that did all that already. The caller gets the echo and the signals to pass on: nothing here writes or signals.
 *
 * The queue is a ring of cells of two bytes: what was typed, and a mark. Its first `ready` cells may be read, in line mode one line by one read; `edited`
 * more are the line that is being typed, from which erasing takes away.
 *
 * Life: open files, the process whose terminal it is, and the host program hold a count each.
 * Lock: `lock`, rank Terminal, for everything that is not immutable. Wake-ups are sent after it was let go.
 */
import {
  address,
  atomic32,
  block,
  type KernelMemory,
  layout,
  mutex,
  Rank,
  u32,
  waitQueue,
  wakeQueue,
} from "../shm/index.ts";
import { dropFile, Readiness, type Transfer, type Vfs, WOULD_BLOCK } from "../vfs/index.ts";

/** Cells of the queue: the longest line, as on Linux. */
export const CELLS = 4096;

/** Modes, as bits. */
export const TerminalMode = {
  /** What is typed is shown. */
  echo: 1,
  /** What is typed can be read line by line. */
  lines: 2,
  /** A line feed also returns the carriage. */
  lineFeeds: 4,
} as const;

/** What `Terminal.waiters` is woken for besides `Readiness`. */
export const TerminalChange = {
  /** The program wants other modes. */
  modes: 16,
  /** The host has been told of them. */
  told: 32,
} as const;

export const Terminal = layout("Terminal", {
  refs: atomic32,
  lock: mutex(Rank.Terminal),
  /** Bits of `TerminalMode`. */
  modes: u32,
  /** One more than the modes that whoever shows the terminal was told of last; 0 where nobody asked to be told. Written by the host's agent. */
  told: atomic32,
  /** Size in characters and in pixels, 0 when unknown. */
  columns: u32,
  rows: u32,
  width: u32,
  height: u32,
  /** Nothing more will be typed. */
  hasEnded: u32,
  /** Somebody found nothing to read, by reading or asking: for a host program that takes input from its source only on demand. */
  starved: u32,
  /** The open file of what shows the terminal, with a count, or 0: immutable. */
  output: address,
  /** The queue: its first cell, and the numbers of readable and of edited ones. */
  start: u32,
  ready: u32,
  edited: u32,
  waiters: waitQueue(),
  cells: block(CELLS * 2),
});

const LINE_FEED = 10;

/** Marks of a cell. */
export const CellMark = {
  none: 0,
  /** A read in line mode ends after it. */
  last: 1,
  /** No byte, but the end of file: a read in line mode ends before it. */
  endOfFile: 2,
} as const;

/** The size of a window: in characters, and in pixels or 0. */
export interface TerminalSize {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** Makes a terminal in line mode with echo, and one count; takes over the output's count. 0 when the kernel heap is full. */
export function createTerminal(memory: KernelMemory, size: TerminalSize, output: number): number {
  const terminal = Terminal.allocate(memory);
  if (terminal === 0) return 0;
  const { echo, lines, lineFeeds } = TerminalMode;
  Terminal.refs.store(memory, terminal, 1);
  Terminal.modes.set(memory, terminal, echo | lines | lineFeeds);
  Terminal.output.set(memory, terminal, output);
  setSize(memory, terminal, size);
  return terminal;
}

function setSize(memory: KernelMemory, terminal: number, size: TerminalSize): void {
  Terminal.columns.set(memory, terminal, size.columns);
  Terminal.rows.set(memory, terminal, size.rows);
  Terminal.width.set(memory, terminal, size.width);
  Terminal.height.set(memory, terminal, size.height);
}

/** Takes one more count. */
export function keepTerminal(memory: KernelMemory, terminal: number): number {
  Terminal.refs.add(memory, terminal, 1);
  return terminal;
}

/** Drops one count; the last one frees the record. */
export function dropTerminal(vfs: Vfs, terminal: number): void {
  const { memory } = vfs;
  if (Terminal.refs.add(memory, terminal, -1) !== 1) return;
  const output = Terminal.output.get(memory, terminal);
  if (output !== 0) dropFile(vfs, output);
  Terminal.free(memory, terminal);
}

/** Modes and size at one moment. */
export function readTerminalState(
  memory: KernelMemory,
  terminal: number,
): TerminalSize & { modes: number } {
  Terminal.lock.acquire(memory, terminal);
  const state = {
    modes: Terminal.modes.get(memory, terminal),
    columns: Terminal.columns.get(memory, terminal),
    rows: Terminal.rows.get(memory, terminal),
    width: Terminal.width.get(memory, terminal),
    height: Terminal.height.get(memory, terminal),
  };
  Terminal.lock.release(memory, terminal);
  return state;
}

/** Changes the size; whether it was another one, so that the program is to get SIGWINCH. */
export function resizeTerminal(
  memory: KernelMemory,
  terminal: number,
  size: TerminalSize,
): boolean {
  Terminal.lock.acquire(memory, terminal);
  const isOther =
    Terminal.columns.get(memory, terminal) !== size.columns ||
    Terminal.rows.get(memory, terminal) !== size.rows ||
    Terminal.width.get(memory, terminal) !== size.width ||
    Terminal.height.get(memory, terminal) !== size.height;
  setSize(memory, terminal, size);
  Terminal.lock.release(memory, terminal);
  return isOther;
}

/** Changes the modes. When line mode ends, what was typed of a line can be read. */
export function setTerminalModes(memory: KernelMemory, terminal: number, modes: number): void {
  Terminal.lock.acquire(memory, terminal);
  const changes = Terminal.modes.get(memory, terminal) !== modes;
  Terminal.modes.set(memory, terminal, modes);
  if ((modes & TerminalMode.lines) === 0) commit(memory, terminal);
  Terminal.lock.release(memory, terminal);
  if (changes)
    wakeQueue(memory, Terminal.waiters.at(terminal), Readiness.read | TerminalChange.modes);
}

/** Notes which modes the host was told of, or with `undefined` that nobody asks for them any more. Wakes whoever waits for that. */
export function noteToldModes(memory: KernelMemory, terminal: number, modes?: number): void {
  Terminal.told.store(memory, terminal, modes === undefined ? 0 : modes + 1);
  wakeQueue(memory, Terminal.waiters.at(terminal), TerminalChange.told);
}

/** Whether the host knows the modes, or asks for none. */
export function areModesTold(memory: KernelMemory, terminal: number): boolean {
  const told = Terminal.told.load(memory, terminal);
  return told === 0 || told === readTerminalState(memory, terminal).modes + 1;
}

/** Nothing more will be typed: reads answer the end of file after what is left. */
export function endTerminalInput(memory: KernelMemory, terminal: number): void {
  Terminal.lock.acquire(memory, terminal);
  Terminal.hasEnded.set(memory, terminal, 1);
  commit(memory, terminal);
  Terminal.lock.release(memory, terminal);
  wakeQueue(memory, Terminal.waiters.at(terminal), Readiness.read | Readiness.hangup);
}

/** What was edited can be read. For callers that hold the lock. */
function commit(memory: KernelMemory, terminal: number): void {
  const ready = Terminal.ready.get(memory, terminal) + Terminal.edited.get(memory, terminal);
  Terminal.ready.set(memory, terminal, ready);
  Terminal.edited.set(memory, terminal, 0);
}

/** The cell at a place counted from the first. For callers that hold the lock. */
export function cellAt(memory: KernelMemory, terminal: number, place: number): number {
  const index = (Terminal.start.get(memory, terminal) + place) % CELLS;
  return Terminal.cells.at(terminal) + index * 2;
}

/** Reads: in line mode at most a line. WOULD_BLOCK when there is nothing, 0 at the end of file. */
export function readTerminal(memory: KernelMemory, terminal: number, into: Transfer): number {
  const room = into.total - into.done;
  if (room === 0) return 0;
  Terminal.lock.acquire(memory, terminal);
  const isInLines = (Terminal.modes.get(memory, terminal) & TerminalMode.lines) !== 0;
  const ready = Terminal.ready.get(memory, terminal);
  let count = 0;
  let used = 0;
  let isOver = ready === 0 && Terminal.hasEnded.get(memory, terminal) !== 0;
  while (used < ready) {
    const cell = cellAt(memory, terminal, used);
    const mark = memory.u8[cell + 1];
    // The end of file after what fills the buffer belongs to it.
    if (count === room && mark !== CellMark.endOfFile) break;
    if (mark === CellMark.endOfFile) {
      used++;
      isOver = isInLines;
      if (isInLines) break;
      continue;
    }
    into.put(memory.u8, cell, 1);
    count++;
    used++;
    if (isInLines && mark === CellMark.last) break;
  }
  if (ready === 0) Terminal.starved.set(memory, terminal, 1);
  Terminal.start.set(memory, terminal, (Terminal.start.get(memory, terminal) + used) % CELLS);
  Terminal.ready.set(memory, terminal, ready - used);
  Terminal.lock.release(memory, terminal);
  if (used > 0) wakeQueue(memory, Terminal.waiters.at(terminal), Readiness.write);
  return count > 0 || isOver ? count : WOULD_BLOCK;
}

/** Bytes that could be read, and whether a read would answer at once. */
export function readableOf(
  memory: KernelMemory,
  terminal: number,
): { bytes: number; isReady: boolean } {
  Terminal.lock.acquire(memory, terminal);
  const bytes = Terminal.ready.get(memory, terminal);
  const isReady = bytes > 0 || Terminal.hasEnded.get(memory, terminal) !== 0;
  if (!isReady) Terminal.starved.set(memory, terminal, 1);
  Terminal.lock.release(memory, terminal);
  return { bytes, isReady };
}

/** Adds bytes that a terminal of the host has edited: whole lines, or what was sent off without an end. */
export function addEditedInput(memory: KernelMemory, terminal: number, bytes: Uint8Array): number {
  Terminal.lock.acquire(memory, terminal);
  const ready = Terminal.ready.get(memory, terminal);
  const taken = Math.min(bytes.length, CELLS - ready - Terminal.edited.get(memory, terminal));
  for (let index = 0; index < taken; index++) {
    const isLast = bytes[index] === LINE_FEED || index === bytes.length - 1;
    addCell(memory, terminal, bytes[index], isLast ? CellMark.last : CellMark.none);
  }
  commit(memory, terminal);
  Terminal.lock.release(memory, terminal);
  if (taken > 0) wakeQueue(memory, Terminal.waiters.at(terminal), Readiness.read);
  return taken;
}

/** Lets the program read what was typed. */
export function completeInput(memory: KernelMemory, terminal: number): void {
  Terminal.lock.acquire(memory, terminal);
  commit(memory, terminal);
  Terminal.lock.release(memory, terminal);
  wakeQueue(memory, Terminal.waiters.at(terminal), Readiness.read);
}

/** Adds to the line that is being typed, where there is room. For callers that hold the lock. */
export function addCell(memory: KernelMemory, terminal: number, byte: number, mark: number): void {
  const edited = Terminal.edited.get(memory, terminal);
  const cell = cellAt(memory, terminal, Terminal.ready.get(memory, terminal) + edited);
  memory.u8[cell] = byte;
  memory.u8[cell + 1] = mark;
  Terminal.edited.set(memory, terminal, edited + 1);
}
