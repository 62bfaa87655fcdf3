/** What a worker of a browser runs: the one script behind every carrier. */
import { attachKernel, type Kernel } from "../../kernel/index.ts";
import { ModuleError } from "../../loader/module-error.ts";
import {
  compileProgram,
  NeedsFurtherReading,
  provideFurtherReading,
} from "../../loader/program.ts";
import { provideTrapDescription } from "../../loader/trap.ts";
import { KernelMemory, panic } from "../../shm/index.ts";
import { provideCallFormatter } from "../../syscalls/trace.ts";
import { provideEventFormatter } from "../../threads/trace-sink.ts";
import { addDrivers, lockOrderFor } from "../../threads/boot.ts";
import { handleBind, type WorkerPartLoaders } from "../../threads/worker.ts";
import { BrowserClock } from "./clock.ts";
import type {
  AgentMessage,
  LoadMessage,
  PageMessage,
  RunMessage,
  StartMessage,
} from "./messages.ts";
import type { WorkerParts } from "./parts.ts";
import { browserRandomness } from "./random.ts";

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
const post = (message: AgentMessage, transfer: Transferable[] = []): void =>
  scope.postMessage(message, transfer);

let parts: Partial<WorkerParts> = {};
let machine: { kernel: Kernel; start: StartMessage } | undefined;

function startMachine(start: StartMessage): void {
  const memory = KernelMemory.attach(start.memory, true, lockOrderFor(start.debug));
  const kernel = attachKernel(memory, new BrowserClock(), browserRandomness);
  const { installMountDrivers: install } = parts;
  addDrivers(kernel, install && { install });
  machine = { kernel, start };
}

/** The page starts a worker with the parts where it asks for what needs them. */
function mustHave<Part>(part: Part | undefined): Part {
  return part ?? panic("a worker was started without the parts that it needs");
}

const loaders: WorkerPartLoaders = {
  stacks: () => Promise.resolve(mustHave(parts.StackCarrier)),
  furtherCalls: () => Promise.resolve(mustHave(parts.installFurtherCalls)),
  threadImports: () => panic("a page gives threads no imports"),
};

async function load({ bytes, name, maximumPages, shareable }: LoadMessage): Promise<void> {
  try {
    const program = await (shareable
      ? mustHave(parts.compileShareable)(bytes, name, maximumPages)
      : // Renewing saves less than loading the parts for it costs.
        compileProgram(bytes, name, maximumPages, undefined, parts.furtherReading !== undefined));
    post({ kind: "loaded", program });
  } catch (error) {
    if (error instanceof NeedsFurtherReading) return post({ kind: "needsParts" });
    const message = error instanceof Error ? error.message : String(error);
    post({ kind: "refused", code: error instanceof ModuleError ? error.code : undefined, message });
  }
}

function run(message: RunMessage): void {
  try {
    mustHave(parts.runOnCopy)(message, post);
  } catch (error) {
    const { message: text, stack } = error instanceof Error ? error : new Error(String(error));
    post({ kind: "crashed", message: text, stack: stack ?? text });
  }
}

function handle(message: PageMessage): void {
  switch (message.kind) {
    case "load":
      void load(message);
      return;
    case "start":
      return startMachine(message);
    case "bind":
      void handleBind(
        machine!.kernel,
        machine!.start,
        message,
        navigator.hardwareConcurrency,
        loaders,
        post,
      );
      return;
    case "run":
      return run(message);
    case "openStore":
      return void mustHave(parts.openStore)(message, post);
    case "keep":
      return mustHave(parts.keepStore)(message, post);
  }
}

/** Makes this agent a worker of the library's. @param given the parts that it was started with */
export function serveWorker(given: Partial<WorkerParts>): void {
  parts = given;
  if (parts.formatCall) provideCallFormatter(parts.formatCall);
  if (parts.formatEvent) provideEventFormatter(parts.formatEvent);
  if (parts.furtherReading) provideFurtherReading(parts.furtherReading);
  if (parts.describeThrown) provideTrapDescription(parts.describeThrown);
  // Messages that come before the lock is held wait: serving a process never returns to the event loop, which grants the lock.
  let early: PageMessage[] | undefined = [];
  scope.onmessage = ({ data }: MessageEvent<PageMessage>) => {
    if (early !== undefined) early.push(data);
    else handle(data);
  };
  const begin = (): void => {
    post({ kind: "ready" });
    const messages = early ?? [];
    early = undefined;
    messages.forEach(handle);
  };
  // Held until this worker is gone: see `page-worker.ts`. A page that is no secure context has no such locks.
  if (navigator.locks === undefined) begin();
  else {
    void navigator.locks.request(scope.name, () => {
      queueMicrotask(begin);
      return new Promise(() => {});
    });
  }
}
