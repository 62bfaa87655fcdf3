/**
 * Tracing: a traced call is wrapped when the imports are made; one that is not never comes here.
 *
 * The text of a call is made by `formatCall` of `call-text.ts`, which an agent is given before it runs the first program that is traced.
 */
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

let format: CallFormatter | undefined;

/** Gives this agent the code that writes calls as text. */
export function provideCallFormatter(formatter: CallFormatter): void {
  format = formatter;
}

/** A handler that does the same and tells `sink` of each call once it is over; of one that does not return, with `?` as its result. */
export function traced(syscall: Syscall, sink: TraceSink): SyscallHandler {
  const formatCall = format ?? panic("trace: nothing writes calls as text in this agent");
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
