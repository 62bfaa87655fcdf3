/**
 * Trace lines as bytes of an open file: a descriptor of the host, or a pipe that the host program reads. Each begins with its time: seconds since the machine
 * was made.
 */
import { type Kernel, type KernelEvent, KernelRoot } from "../kernel/index.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { panic } from "../shm/index.ts";
import type { TraceTarget } from "./messages.ts";

/** Writes an event as a line, or as several. */
export type EventFormatter = (event: KernelEvent) => string;

let formatEvent: EventFormatter = () => panic("trace: nothing writes events as text in this agent");

/** Gives this agent the code that writes events as text (`event-text.ts`): before it runs the first program that is traced. */
export function provideEventFormatter(formatter: EventFormatter): void {
  formatEvent = formatter;
}
import { AT_OFFSET, Transfer } from "../vfs/index.ts";

/** Makes a sink that writes each line to an open file. Lines that it cannot take at once are dropped: a trace must not change what the guest sees. */
export function traceSinkOf(kernel: Kernel, file: number): TraceSink {
  const transfer = new Transfer();
  const encoder = new TextEncoder();
  const booted = KernelRoot.booted.get(kernel.memory, kernel.root);
  return (line: string) => {
    const seconds = (kernel.clock.monotonicMilliseconds() - booted) / 1000;
    const bytes = encoder.encode(`${seconds.toFixed(6)} ${line}\n`);
    transfer.single(bytes, 0, bytes.length);
    kernel.vfs.operationsOf(file).write(kernel.vfs, file, transfer, AT_OFFSET);
  };
}

/** Writes the events of an agent that serves one process to its trace, if it has one. */
export function traceEvents(kernel: Kernel, sink: TraceSink | undefined): void {
  kernel.traceEvent = sink === undefined ? undefined : (event) => sink(formatEvent(event));
}

/** The traces of all processes, for the events that happen on the host's agent. */
export class ProcessTraces {
  private readonly sinks = new Map<number, TraceSink>();

  constructor(private readonly kernel: Kernel) {}

  /** Begins a process's trace, if it has one. */
  begin(pid: number, trace: TraceTarget | undefined): void {
    if (trace === undefined) return;
    this.sinks.set(pid, traceSinkOf(this.kernel, trace.file));
    this.kernel.traceEvent = (event) => {
      const sink = this.sinks.get(event.pid);
      sink?.(formatEvent(event));
    };
  }

  /** Ends a process's trace. */
  end(pid: number): void {
    if (this.sinks.delete(pid) && this.sinks.size === 0) this.kernel.traceEvent = undefined;
  }
}
