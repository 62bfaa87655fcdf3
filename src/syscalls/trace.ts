/**
 * Tracing: a traced call is wrapped when the imports are made; one that is not never comes here.
 *
 * The lines are made by `call-text.ts`, which an agent is given before it runs the first program that is traced.
 */
import type { KernelEvent } from "../kernel/index.ts";
import { panic } from "../shm/index.ts";
import type { Outcome } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { UNWINDS } from "./port.ts";
import type { Syscall, SyscallHandler } from "./service.ts";

/** Takes a line without its end. */
export type TraceSink = (line: string) => void;

/** Writes a call as a line; `result` is undefined when the call did not return. */
export type CallFormatter = (
  context: SyscallContext,
  syscall: Pick<Syscall, "module" | "name">,
  args: readonly (number | bigint)[],
  result: number | undefined,
) => string;

/** Writes an event as a line, or as several. */
export type EventFormatter = (event: KernelEvent) => string;

const missing = (): never => panic("trace: nothing writes lines in this agent");
let callFormatter: CallFormatter = missing;
let eventFormatter: EventFormatter = missing;

/** Gives this agent the code that writes calls and events as text. */
export function provideTraceText(calls: CallFormatter, events: EventFormatter): void {
  callFormatter = calls;
  eventFormatter = events;
}

/** Tells `sink` of an event. */
export function traceEvent(event: KernelEvent, sink: TraceSink): void {
  sink(eventFormatter(event));
}

/** A handler that does the same and tells `sink` of each call once it is over; of one that does not return, with `?` as its result. */
export function traced(syscall: Syscall, sink: TraceSink): SyscallHandler {
  const formatCall = callFormatter;
  const handler = syscall.handler as (
    context: SyscallContext,
    ...args: (number | bigint)[]
  ) => Outcome | undefined;
  return (context: SyscallContext, ...args: (number | bigint)[]) => {
    let isOver = false;
    const tell = (result: number | undefined): void => {
      if (!isOver) sink(formatCall(context, syscall, args, result));
      isOver = true;
    };
    let result: Outcome | undefined;
    context.onEnd = tell;
    try {
      result = handler(context, ...args);
      return result;
    } finally {
      // A suspended stack's call is not over: `StackPort.suspend` took over what is to be told.
      if (typeof result !== "object") tell(result === UNWINDS ? 0 : result);
    }
  };
}
