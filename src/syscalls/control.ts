/**
 * Control outcomes: how a syscall tells the run loop that the guest does not go on.
 *
 * They are thrown through the guest's frames, made once, and are no errors. The run loop (`threads/run-thread.ts`) is
 * the only one to keep them; the agent stays in the kernel until they leave the call's last frame (`SyscallContext.leaveByThrow`).
 */
export class Control {
  constructor(
    readonly kind:
      | "thread exit"
      | "process exit"
      | "stack restore"
      | "handler end"
      | "handler unwinds"
      | "call again",
  ) {}
}

/** This thread leaves; the process goes on. */
export const THREAD_EXIT = new Control("thread exit");

/** The process ends (its record says with what): this thread leaves. */
export const PROCESS_EXIT = new Control("process exit");

/**
 * A signal's handler goes no further: what it was doing, the default action of its signal, is done. Thrown through its frames alone
 * (`signal-delivery.ts`).
 */
export const HANDLER_END = new Control("handler end");

/** A signal's handler has been taken apart; what it interrupted follows. Thrown through the kernel's frames alone, to the import (`loader/imports.ts`). */
export const HANDLER_UNWINDS = new Control("handler unwinds");

/** This thread goes on from a checkpoint: its stack is discarded, and another put in its place (`UnwindPort.restore`). */
export const STACK_RESTORE = new Control("stack restore");

/** A call that has done nothing yet is to be made once more, since first its stack is wanted (`loader/imports.ts`). */
export const CALL_AGAIN = new Control("call again");
