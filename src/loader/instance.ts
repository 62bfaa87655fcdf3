/**
 * Instance: a program made ready to run on one agent, for one thread after the other.
 *
 * A group holds what is made once per agent and process: the guest's memory, the context, the imports. An instance is what each thread needs anew: its
 * globals, so its stack pointer. `prepare` makes the next one ahead of need. Threads of a shared carrier can share one instance, where the program was rewritten
 * for it: their states are put by and put back (`thread-state.ts`).
 */
import type { Kernel } from "../kernel/index.ts";
import { GuestMemory } from "../syscalls/guest-memory.ts";
import { SyscallContext } from "../syscalls/context.ts";
import { panic } from "../shm/index.ts";
import type { GuestPort, ThreadPort } from "../syscalls/port.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { contextEntry } from "./context-entry.ts";
import { makeImports } from "./imports.ts";
import { createGuestMemory, GUEST_PAGE } from "./program-memory.ts";
import type { Program } from "./program.ts";
import type { StopInstances } from "./stop-instances.ts";
import type { makeSuspendable } from "./suspendable-calls.ts";
import { promising } from "./suspension.ts";
import type { ThreadStates } from "./thread-state.ts";

/** What a thread has of a group, put by while another stack of the agent runs. */
export interface InstanceWork {
  /** The instance that it uses. */
  instance: WebAssembly.Instance | undefined;
  /** Where its state is, in an instance that threads share. */
  place: number;
}

/** What a thread begins with: its id, and its start pointer, which is wide where its memory is. */
export type ThreadEntry = (tid: number, argument: number | bigint) => void;

/**
 * A program that brings its memory gets the context before its memory exists: until then every pointer is bad. It is no real one, for which an engine may reserve 10 GB
 * of addresses.
 */
const NO_MEMORY = { buffer: new ArrayBuffer(0) } as WebAssembly.Memory;

function notGiven(module: string, name: string): () => never {
  return () => {
    throw new Error(`${module}.${name} is not given to threads (threadImports)`);
  };
}

/** Functions for a program's imports that are not the kernel's: by module and name. */
export type GivenImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export class InstanceGroup {
  readonly context: SyscallContext;
  private imports: Record<string, Record<string, unknown>> | undefined;
  /** The instance that the running thread uses: signal handlers are its exports. */
  current: WebAssembly.Instance | undefined;
  private next: WebAssembly.Instance | undefined;
  /** Whether a thread has ended in the next one, and it is to be renewed. */
  private isWorn = false;
  /** One that a thread has left which went to sleep without it. */
  private used: WebAssembly.Instance | undefined;
  /** Is called with each instance that was made, where the host program gives imports. */
  onInstance: ((instance: WebAssembly.Instance) => void) | undefined;
  /** Makes calls such that they may suspend the guest's stack, where the stacks of the agent's carrier can be suspended: given by that. */
  suspendable: typeof makeSuspendable | undefined;
  /** For a program with stop points, where the stacks of the agent's carrier can be suspended: given by that. */
  stops: StopInstances | undefined;
  /** Bytes of the memory when the next or the shared instance was about to be made. */
  private nextBytes = 0;
  /** The instance that threads share, and the running thread's place in it. */
  private states: ThreadStates | undefined;
  /** Of a forked process: what its memory is to hold, where that is not shared. Until its thread takes an instance. */
  content: Uint8Array | undefined;
  private place = 0;

  constructor(
    kernel: Kernel,
    readonly program: Program,
    private memory: WebAssembly.Memory | undefined,
    threads: ThreadPort,
    mark: number,
    private readonly trace: TraceSink | undefined,
    private readonly given?: GivenImports,
  ) {
    const guest = new GuestMemory(memory ?? NO_MEMORY, memory !== undefined && program.isWide);
    const find = (name: string): ((argument: number) => void) => {
      const callee = this.current?.exports[name];
      return typeof callee === "function"
        ? (callee as (argument: number) => void)
        : panic(`instance: no export ${name}`);
    };
    const stackPointer = (): WebAssembly.Global | undefined => {
      const found = this.current?.exports[program.asyncify?.stackPointer ?? "__stack_pointer"];
      return found instanceof WebAssembly.Global ? found : undefined;
    };
    const guestPort: GuestPort = {
      get stackPointer(): number | undefined {
        return stackPointer()?.value as number | undefined;
      },
      set stackPointer(value: number | undefined) {
        const found = stackPointer();
        if (found !== undefined && value !== undefined) found.value = value;
      },
      isContextEntry: (index) =>
        this.current !== undefined && contextEntry(this.current, index) !== undefined,
      has: (name) => typeof this.current?.exports[name] === "function",
      call: (name, argument) => {
        find(name)(argument);
      },
      callSuspendably: async (name, argument) => {
        await promising(find(name))(argument);
      },
    };
    this.context = new SyscallContext(kernel, guest, threads, guestPort, mark);
    this.context.isPreview1 = !program.isWasix;
  }

  /** What instances are made with. A memory that is not shared cannot come from another agent: it is made here. Throws ModuleError ERR_MEMORY. */
  private findImports(): Record<string, Record<string, unknown>> {
    if (this.imports === undefined) {
      const { context, program, trace } = this;
      if (this.memory === undefined && program.memoryImport !== undefined) {
        this.memory = createGuestMemory(program);
        if (this.memory !== undefined) context.guest = new GuestMemory(this.memory, program.isWide);
      }
      this.imports = makeImports(context, program, this.memory, trace, this.suspendable);
      for (const { module, name } of program.given)
        (this.imports[module] ??= {})[name] =
          this.given?.[module]?.[name] ?? notGiven(module, name);
    }
    return this.imports;
  }

  /** Makes an instance. Its start section calls from within: no stack can be suspended there. */
  private instantiate(): WebAssembly.Instance {
    const { context } = this;
    context.innerEntries++;
    try {
      const instance = new WebAssembly.Instance(this.program.module, this.findImports());
      this.onInstance?.(instance);
      return instance;
    } finally {
      context.innerEntries--;
    }
  }

  /** Makes the next instance ahead of need; errors are left for `take` to meet again. */
  prepare(): void {
    if (this.next !== undefined || this.states !== undefined || !this.program.hasSharedMemory)
      return;
    const { context } = this;
    context.clearThread();
    // Its start section is guest code: it may compute for ever.
    context.leave();
    try {
      this.makeNext();
    } catch {
      this.next = undefined;
    } finally {
      context.claim();
    }
  }

  private makeNext(): WebAssembly.Instance {
    this.nextBytes = this.memory?.buffer.byteLength ?? 0;
    const instance = this.instantiate();
    this.states = this.stops?.arm(instance);
    if (this.states === undefined) this.next = instance;
    return instance;
  }

  /**
   * Makes sure that this agent, and the instance that was made ahead, know of all the memory that whoever hands something over knew of: see
   * `GuestMemory.synchronize`.
   */
  synchronizeMemory(bytes: number): void {
    if (this.memory === undefined) return;
    const { byteLength } = this.memory.buffer;
    const isMade = this.next !== undefined || this.states !== undefined;
    if (byteLength < bytes || (isMade && byteLength !== this.nextBytes)) {
      this.context.guest.synchronize();
      this.nextBytes = this.memory.buffer.byteLength;
    }
  }

  /** An instance for a new thread: one that none has used, or the one that all share. May throw what the engine throws, or a control outcome. */
  take(): WebAssembly.Instance {
    const instance = this.states?.instance ?? this.next ?? this.makeNext();
    this.next = undefined;
    if (this.isWorn) this.renew(instance);
    this.current = instance;
    if (this.states !== undefined) this.place = this.states.add();
    this.context.signalCallback = undefined;
    if (this.memory === undefined || this.program.memoryExport !== undefined) {
      const exported =
        this.program.memoryExport === undefined
          ? undefined
          : instance.exports[this.program.memoryExport];
      if (exported instanceof WebAssembly.Memory && exported !== this.context.guest.memory) {
        this.context.guest = new GuestMemory(exported, this.program.isWide);
      }
    }
    if (this.content !== undefined) this.layContent(this.content);
    return instance;
  }

  /** What a start section would run calls from within here, too. */
  private renew(instance: WebAssembly.Instance): void {
    const { context } = this;
    this.isWorn = false;
    context.innerEntries++;
    try {
      (instance.exports[this.program.renewal!.name] as () => void)();
    } finally {
      context.innerEntries--;
    }
  }

  /** A memory that is not shared becomes the copy of a forked process's. Throws RangeError where the host has no room. */
  private layContent(content: Uint8Array): void {
    this.content = undefined;
    const { guest } = this.context;
    const lacking = (content.length - guest.memory.buffer.byteLength) / GUEST_PAGE;
    if (lacking > 0) guest.memory.grow((this.program.isWide ? BigInt(lacking) : lacking) as number);
    guest.refresh();
    guest.u8.set(content);
  }

  /** What a spawned thread begins with, of the instance that was taken: parameters are its id and its start pointer. */
  get threadEntry(): ThreadEntry {
    return this.states?.begin ?? (this.current!.exports.wasi_thread_start as ThreadEntry);
  }

  /** Puts by what the running thread has here. */
  putBy(work: InstanceWork): void {
    work.instance = this.current;
    work.place = this.place;
    this.states?.save(this.place);
  }

  /** Takes up what a thread had. */
  takeUp({ instance, place }: InstanceWork): void {
    this.current = instance;
    this.place = place;
    this.states?.load(place);
  }

  /** The thread has left its instance with its stack: another that has one can go on in it. */
  setAside(): void {
    if (this.states === undefined) this.used = this.current;
    this.drop();
  }

  /** An instance for a thread that brings its stack, and with it all that it has of an instance. Throws as `take`. */
  takeUsed(): void {
    if (this.used === undefined) return void this.take();
    this.current = this.used;
    this.used = undefined;
    this.context.signalCallback = undefined;
  }

  /** The thread is done with its instance. @param isWhole whether it ended of its own will, and nobody else can know the instance */
  drop(isWhole = false): void {
    const { current } = this;
    // None where the thread ended before it had one.
    if (current === undefined) return;
    this.current = undefined;
    if (this.states !== undefined) this.states.remove(this.place);
    else if (isWhole && this.program.renewal !== undefined) {
      this.next = current;
      this.isWorn = true;
    }
  }
}
