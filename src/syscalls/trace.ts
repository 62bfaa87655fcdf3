import type { SyscallContext } from "./context.ts";
import type { Syscall, SyscallHandler } from "./table.ts";
export type TraceSink = (line: string) => void;
export function traced(syscall: Syscall, sink: TraceSink): SyscallHandler {
  const handler = syscall.handler as (context: SyscallContext, ...args: unknown[]) => number | void;
  return ((context: SyscallContext, ...args: unknown[]) => {
    const result = handler(context, ...args);
    sink(`${syscall.name}(${args.join(", ")}) = ${result}`);
    return result;
  }) as SyscallHandler;
}
