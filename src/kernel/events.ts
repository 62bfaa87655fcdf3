/**
 * Events for the host program and for traces: threads made, started, asleep, awake and finished, processes ended, taint.
 *
 * Off by default: `emit` then costs two loads. When on, records go to a lock-free list that the host's event loop takes as a whole; a trace is told at once, by
 * the agent where it happens.
 */
import {
  layout,
  parkerFields,
  pushReady,
  takeReady,
  Parker,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import { HostCall, type Kernel, KernelRoot } from "./kernel.ts";

/** Kinds of events. Listeners ask for them as bits: `1 << kind`. */
export const EventKind = {
  processStarted: 0,
  processEnded: 1,
  threadCreated: 2,
  threadStarted: 3,
  threadFinished: 4,
  taint: 5,
  forkRefused: 6,
  threadSlept: 7,
  threadWoken: 8,
  /** No thread was made for one: a limit, or the process ends. */
  threadRefused: 9,
  /** No thread was made, since the program has no entry for one. */
  entryMissing: 10,
} as const;

/** The kinds that tell of every wait, as bits: many, and asked for apart from the others. */
export const WAIT_EVENTS = (1 << EventKind.threadSlept) | (1 << EventKind.threadWoken);

/** Records that may wait: beyond, events are lost rather than memory. */
const MOST_WAITING = 65536;

/** One event: links as a parker so that the ready queue's list serves. Immutable once pushed. */
export const EventRecord = layout("EventRecord", {
  ...parkerFields,
  kind: u32,
  pid: u32,
  tid: u32,
  detail: u32,
  /** Bytes of UTF-8 that follow the record. */
  textLength: u32,
});

/** An event as the host takes it. */
export interface KernelEvent {
  kind: number;
  pid: number;
  tid: number;
  detail: number;
  text: string;
}

/** Tells the trace of this agent's process, and the host if it asked for such events. */
export function emit(
  kernel: Kernel,
  kind: number,
  pid: number,
  tid: number,
  detail: number,
  text = "",
): void {
  const { memory, root } = kernel;
  kernel.traceEvent?.({ kind, pid, tid, detail, text });
  if ((KernelRoot.eventMask.load(memory, root) & (1 << kind)) === 0) return;
  if (KernelRoot.eventCount.add(memory, root, 1) >= MOST_WAITING) {
    KernelRoot.eventCount.add(memory, root, -1);
    return;
  }
  const bytes = encodeText(text);
  const record = EventRecord.allocate(memory, bytes.length);
  if (record === 0) {
    KernelRoot.eventCount.add(memory, root, -1);
    return;
  }
  EventRecord.kind.set(memory, record, kind);
  EventRecord.pid.set(memory, record, pid);
  EventRecord.tid.set(memory, record, tid);
  EventRecord.detail.set(memory, record, detail);
  EventRecord.textLength.set(memory, record, bytes.length);
  memory.u8.set(bytes, record + EventRecord.bytes);
  pushReady(memory, KernelRoot.events.at(root), record);
  kernel.callHost(HostCall.events);
}

const NO_TEXT = new Uint8Array(0);

function encodeText(text: string): Uint8Array {
  return text === "" ? NO_TEXT : new TextEncoder().encode(text);
}

/** Takes all waiting events in their order. For the host's event loop. */
export function takeEvents(memory: KernelMemory, root: number): KernelEvent[] {
  const events: KernelEvent[] = [];
  let record = takeReady(memory, KernelRoot.events.at(root));
  while (record !== 0) {
    const next = Parker.readyNext.get(memory, record);
    const length = EventRecord.textLength.get(memory, record);
    const text = record + EventRecord.bytes;
    events.push({
      kind: EventRecord.kind.get(memory, record),
      pid: EventRecord.pid.get(memory, record),
      tid: EventRecord.tid.get(memory, record),
      detail: EventRecord.detail.get(memory, record),
      text: length === 0 ? "" : new TextDecoder().decode(memory.u8.slice(text, text + length)),
    });
    EventRecord.free(memory, record, length);
    KernelRoot.eventCount.add(memory, root, -1);
    record = next;
  }
  return events;
}
