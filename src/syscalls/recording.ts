/** Where an agent of a machine that keeps a journal gets what records calls (`call-recorder.ts`): a part that no other machine loads. */
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { panic } from "../shm/index.ts";
import type { Syscall, SyscallHandler } from "./service.ts";

/** Makes the handler that records a call, or the call's own where nothing of it is recorded. */
export type CallRecorder = (syscall: Syscall) => SyscallHandler;

const recorders = new WeakMap<Kernel, CallRecorder>();

/** Gives it to an agent, before it runs a program of the machine. */
export function provideRecorder(kernel: Kernel, recorder: CallRecorder): void {
  recorders.set(kernel, recorder);
}

/** The call as a guest makes it: recorded, where the machine keeps a journal. */
export function recorded(kernel: Kernel, syscall: Syscall): Syscall {
  if (KernelRoot.journal.get(kernel.memory, kernel.root) === 0) return syscall;
  const recorder = recorders.get(kernel) ?? panic("journal: nothing records calls in this agent");
  return { ...syscall, handler: recorder(syscall) };
}
