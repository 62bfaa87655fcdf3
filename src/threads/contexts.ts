/**
 * The contexts of one thread whose stacks the engine suspends: those that do not run are suspended in `context_switch`.
 *
 * The main context (0) is the stack that the thread's entry runs on. The others begin with a function of the program's table when they are first switched
 * to. All use one instance, so its stack pointer is put by with a context and put back, where the program exports it. A destroyed context is never resumed:
 * its stack goes with the last reference to it. When the entry of another context returns or throws, the thread ends by that (`abi/semantics.md` §4).
 *
 * Life: made at a thread's first switch; the thread's carrier's agent's alone. Which contexts there are stands in the thread's record (`kernel/context-table.ts`).
 */
import { exchangeHandlers, findContext, type Kernel, Thread } from "../kernel/index.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { contextEntry } from "../loader/context-entry.ts";
import { promising } from "../loader/suspension.ts";
import type { Entry } from "./run-thread.ts";

/** Why a thread ended in another context than its main one. */
export class ContextReturned extends Error {
  constructor(id: number) {
    super(`the entry function of context ${id} returned`);
    this.name = "ContextReturned";
  }
}

export class Contexts {
  /** What lets the switch of a suspended context return, by its number. */
  private readonly suspended = new Map<number, () => void>();

  /** @param entry what a stack begins with that is put back; @param end ends the thread by what a context's entry threw */
  constructor(
    private readonly kernel: Kernel,
    private readonly group: InstanceGroup,
    private readonly thread: number,
    private readonly entry: () => Entry,
    private readonly end: (error: unknown) => void,
  ) {}

  /**
   * Suspends the current context and resumes another, or begins it; resolves when something switches back.
   *
   * @param entry the index of the function that it begins with
   */
  switchTo(id: number, entry: number): Promise<void> {
    const { group, thread } = this;
    const { memory } = this.kernel;
    const { context } = group;
    const { interruptions } = context;
    const { exports } = group.current!;
    const pointer = exports[group.program.asyncify?.stackPointer ?? "__stack_pointer"];
    const value: unknown = pointer instanceof WebAssembly.Global ? pointer.value : undefined;
    const before = Thread.context.get(memory, thread);
    if (before === 0 && typeof value === "number")
      Thread.mainStackPointer.set(memory, thread, value);
    Thread.context.set(memory, thread, id);
    const table = Thread.contexts.get(memory, thread);
    const left = findContext(memory, table, before);
    exchangeHandlers(memory, thread, left, findContext(memory, table, id));
    context.interruptions = [];
    const back = new Promise<void>((resolve) => {
      this.suspended.set(before, () => {
        if (pointer instanceof WebAssembly.Global) pointer.value = value;
        context.interruptions = interruptions;
        resolve();
      });
    });
    const resume = this.suspended.get(id);
    this.suspended.delete(id);
    if (resume !== undefined) resume();
    else {
      const callee = contextEntry(group.current!, entry)!;
      // In a turn of its own, or a chain of contexts that begin each other would be a chain of calls.
      void Promise.resolve().then(() => this.run(id, callee));
    }
    return back;
  }

  /** Forgets a suspended context. */
  forget(id: number): void {
    this.suspended.delete(id);
  }

  /** Runs a context from its entry to its end, or from there on again where its stack was taken apart. */
  private async run(id: number, callee: () => unknown): Promise<void> {
    const { context } = this.group;
    let begin = (): Entry => ({ callee, parameters: [] });
    context.leave();
    for (;;) {
      let thrown: { readonly error: unknown } | undefined;
      try {
        const { callee, parameters } = begin();
        await promising(callee)(...parameters);
      } catch (error) {
        thrown = { error };
      }
      begin = this.entry;
      if (context.unwinding?.afterEntry(thrown) === "rewind") continue;
      return this.end(thrown === undefined ? new ContextReturned(id) : thrown.error);
    }
  }
}
