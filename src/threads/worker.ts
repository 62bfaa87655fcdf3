/** What a worker does, on every host: attach to the kernel heap, wait for a crew, serve it, wait for the next. */
import type { Kernel } from "../kernel/index.ts";
import { declareBroken } from "../shm/index.ts";
import { hasFurtherServices } from "../syscalls/table.ts";
import type { GivenImports } from "../loader/instance.ts";
import { traceEvents, traceSinkOf } from "./trace-sink.ts";
import { beginToServe, serveCrew } from "./carrier.ts";
import { Crew } from "./crew-records.ts";
import type { installFurtherCalls } from "./further-calls.ts";
import type { BindMessage, WorkerMessage, WorkerStart } from "./messages.ts";
import { failProcess } from "./run-thread.ts";
import type { StackCarrier } from "./stack-carrier.ts";

/** Loads parts that few programs need. */
export interface WorkerPartLoaders {
  stacks(): Promise<typeof StackCarrier>;
  furtherCalls(): Promise<typeof installFurtherCalls>;
  /** Loads a module of the host program, whose default export makes the imports of this agent's instances. */
  threadImports(address: string): Promise<{ readonly default: MakeThreadImports }>;
}

/** What the default export of a module for `threadImports` is given. */
export interface ThreadImportsContext {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory | undefined;
  /** Hands a value to the host program (`onMessage`). It must be one that can be cloned. */
  post(value: unknown): void;
}

/** What it answers. */
export interface ThreadImports {
  readonly imports: GivenImports;
  /** Is called with each instance that was made, before its thread begins. */
  onInstance?(instance: WebAssembly.Instance): void;
}

/** The default export of a module for `threadImports`. */
export type MakeThreadImports = (
  context: ThreadImportsContext,
) => ThreadImports | Promise<ThreadImports>;

/** Serves one bind message and tells the host how it ended. */
export async function handleBind(
  kernel: Kernel,
  start: WorkerStart,
  message: BindMessage,
  cores: number,
  parts: WorkerPartLoaders,
  post: (message: WorkerMessage) => void,
  onIdle?: () => void,
): Promise<void> {
  try {
    if (!beginToServe(kernel.memory, start.carrier)) return post({ kind: "unbound" });
    if (message.furtherCalls && !hasFurtherServices()) (await parts.furtherCalls())(kernel);
    const trace = message.trace === undefined ? undefined : traceSinkOf(kernel, message.trace.file);
    traceEvents(kernel, trace);
    const {
      program: { module },
      memory,
      threadImports,
    } = message;
    const given =
      threadImports === undefined
        ? undefined
        : await importsOf(threadImports, parts, {
            module,
            memory,
            post: (value) => post({ kind: "posted", value }),
          }).catch((error: Error) => {
            // At once: the host's agent may itself be in the guest and wait for the thread that does not begin. Its crew is left as that of any process that has ended.
            failProcess(kernel, Crew.process.get(kernel.memory, message.crew), error.message);
            return undefined;
          });
    await serveCrew(
      kernel,
      start.carrier,
      message,
      cores,
      trace,
      parts.stacks,
      given,
      post,
      onIdle,
    );
    post({ kind: "unbound" });
  } catch (error) {
    const { message: text, stack } = error instanceof Error ? error : new Error(String(error));
    if (kernel.memory.locksHeld > 0) declareBroken(kernel.memory);
    post({ kind: "crashed", message: text, stack: stack ?? text });
  }
}

/** Asks a module of the host program for its imports. */
async function importsOf(
  address: string,
  parts: WorkerPartLoaders,
  context: ThreadImportsContext,
): Promise<ThreadImports> {
  try {
    return await (await parts.threadImports(address)).default(context);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`threadImports (${address}) failed: ${text}`, { cause: error });
  }
}
