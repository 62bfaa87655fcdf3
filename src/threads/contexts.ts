/**
 * The contexts of one thread: its stacks, of which one runs at a time while the others are suspended in `context_switch`.
 *
 * The main context (0) is the stack that the thread's entry runs on. The others begin with a function of the program's table when they are first switched
 * to. All use one instance, so its stack pointer is put by with a context and put back, where the program exports it. A destroyed context is never resumed:
 * its stack goes with the last reference to it. When the entry of another context returns or throws, the thread ends by that (`abi/semantics.md` §4).
 *
 * Life: made at a thread's first context; the thread's carrier's agent's alone.
 */
import { Errno } from "../abi/errno.ts";
import { promising } from "../loader/suspension.ts";

/** Contexts of a thread besides its main one. */
const MOST_CONTEXTS = 100_000;

/** A context that is suspended: not begun, or in a switch. */
interface Suspended {
  /** Begins it, or lets its switch return. */
  resume: () => void;
}

/** Why a thread ended in another context than its main one. */
export class ContextReturned extends Error {
  constructor(id: number) {
    super(`the entry function of context ${id} returned`);
    this.name = "ContextReturned";
  }
}

export class Contexts {
  private readonly suspended = new Map<number, Suspended>();
  private current = 0;
  private last = 0;

  /**
   * @param instance the thread's; @param leave gives the guest its mark before a context's entry is called
   * @param end ends the thread by what a context's entry threw
   */
  constructor(
    private readonly instance: WebAssembly.Instance,
    private readonly leave: () => void,
    private readonly end: (error: unknown) => void,
  ) {}

  /** Makes a context that begins with a function of the table. Returns its number or a negated errno. */
  create(entry: number): number {
    const table = this.instance.exports.__indirect_function_table;
    if (!(table instanceof WebAssembly.Table) || entry >= table.length) return -Errno.EINVAL;
    // A table of 64-bit indexes counts in big integers, of which TypeScript does not know yet.
    const isWide = typeof (table.length as number | bigint) === "bigint";
    const callee = table.get((isWide ? BigInt(entry) : entry) as number) as
      ((...parameters: number[]) => unknown) | null;
    if (callee === null || callee.length !== 0) return -Errno.EINVAL;
    if (this.suspended.size >= MOST_CONTEXTS) return -Errno.ENOMEM;
    const id = ++this.last;
    // In a turn of its own, or a chain of contexts that begin each other would be a chain of calls.
    this.suspended.set(id, {
      resume: () => void Promise.resolve().then(() => this.run(id, callee)),
    });
    return id;
  }

  /** Suspends the current context and resumes another; resolves when something switches back. Undefined where there is none such. */
  switchTo(id: number): Promise<void> | undefined {
    const target = this.suspended.get(id);
    if (target === undefined) return undefined;
    const pointer = this.instance.exports.__stack_pointer;
    const before: unknown = pointer instanceof WebAssembly.Global ? pointer.value : undefined;
    const back = new Promise<void>((resolve) => {
      this.suspended.set(this.current, {
        resume: () => {
          if (pointer instanceof WebAssembly.Global) pointer.value = before;
          resolve();
        },
      });
    });
    this.suspended.delete(id);
    this.current = id;
    target.resume();
    return back;
  }

  /** Whether a context is the one that runs. */
  isCurrent(id: number): boolean {
    return this.current === id;
  }

  /** Forgets a suspended context. */
  destroy(id: number): number {
    if (id === this.current || id === 0) return Errno.EINVAL;
    this.suspended.delete(id);
    return 0;
  }

  private async run(id: number, callee: () => unknown): Promise<void> {
    try {
      this.leave();
      await promising(callee)();
      this.end(new ContextReturned(id));
    } catch (error) {
      this.end(error);
    }
  }
}
