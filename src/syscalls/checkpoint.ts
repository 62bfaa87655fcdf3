/**
 * Checkpoints: a stack is kept under a key and gone back to later, which is how the C library makes `setjmp` and `longjmp` without exceptions
 * (`abi/semantics.md` §3). Linear memory is not part of a checkpoint. Only a thread itself can go back to its checkpoints, in the context in which it made them, as
 * long as the function that made one has not returned.
 */
import { Errno } from "../abi/errno.ts";
import { StackSnapshot } from "../abi/layouts.ts";
import {
  addCheckpoint,
  countStackImages,
  EndReason,
  exitProcess,
  findCheckpoint,
  Process,
  ProcessFlags,
  StackImage,
  Thread,
} from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import { PROCESS_EXIT } from "./control.ts";

/**
 * Keeps the calling stack, and writes what it is known by. Answers 0, and `result` is 0; answers 0 again, with another `result`, whenever something goes
 * back here.
 *
 * Errors: EMEMVIOLATION; ENOTSUP without asyncify, which is told if the program traps then, and in a signal's handler where the call in which the signal came does not unwind; EOVERFLOW where the stack's unused part is too small; ENOMEM.
 */
export function stack_checkpoint(
  context: SyscallContext,
  snapshot: number,
  result: number,
): number {
  const { guest, kernel, memory, owner, thread, unwinding } = context;
  if (!guest.has(snapshot, StackSnapshot.$size) || !guest.has(result, 8))
    return Errno.EMEMVIOLATION;
  if (unwinding === undefined) {
    Process.flags.or(memory, owner, ProcessFlags.lacksCheckpoints);
    return Errno.ENOTSUP;
  }
  return unwinding.unwind("wasix_32v1.stack_checkpoint", (image) => {
    const key = new Uint8Array(16);
    kernel.randomness.fill(key);
    const words = new Uint32Array(key.buffer);
    StackImage.key0.set(memory, image, words[0]);
    StackImage.key1.set(memory, image, words[1]);
    StackImage.key2.set(memory, image, words[2]);
    StackImage.key3.set(memory, image, words[3]);
    StackImage.context.set(memory, image, Thread.context.get(memory, thread));
    guest.setU64(snapshot + StackSnapshot.user, result >>> 0, 0);
    guest.setU64(snapshot + StackSnapshot.hash, words[0], words[1]);
    guest.setU64(snapshot + StackSnapshot.hash + 8, words[2], words[3]);
    guest.setU64(result, 0, 0);
    const first = Thread.checkpoints.get(memory, thread);
    Thread.checkpoints.set(memory, thread, addCheckpoint(memory, first, image));
    return { image, result: 0, isKept: true };
  });
}

/**
 * Goes back to a checkpoint of the thread, where the value is written. Does not return. The process ends with 79 where there is no such checkpoint, with 78 for
 * a bad pointer: there is no way to tell the program.
 */
export function stack_restore(context: SyscallContext, snapshot: number, value: bigint): never {
  const { guest, memory, thread, unwinding } = context;
  if (!guest.has(snapshot, StackSnapshot.$size))
    return endProcess(context, Errno.EMEMVIOLATION, "the checkpoint lies outside the memory");
  const { view } = guest;
  const at = snapshot >>> 0;
  const word = (index: number) => view.getUint32(at + StackSnapshot.hash + index * 4, true);
  const image = findCheckpoint(
    memory,
    Thread.checkpoints.get(memory, thread),
    Thread.context.get(memory, thread),
    [word(0), word(1), word(2), word(3)],
  );
  if (image === 0 || unwinding === undefined || !isThere(context, image))
    return endProcess(
      context,
      Errno.EUNKNOWN,
      "the thread has no such checkpoint: none was made in this context, or its function has returned",
    );
  const user = view.getUint32(at + StackSnapshot.user, true);
  if (!guest.has(user, 8))
    return endProcess(
      context,
      Errno.EMEMVIOLATION,
      "the checkpoint's result lies outside the memory",
    );
  const bits = BigInt.asUintN(64, value);
  guest.setU64(user, Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  return unwinding.restore({ image, result: 0, isKept: true });
}

/** Whether the stacks are there on which the one of an image lay: a handler may be over. */
function isThere({ memory, thread }: SyscallContext, image: number): boolean {
  const depth = countStackImages(memory, Thread.interrupted.get(memory, thread));
  return StackImage.depth.get(memory, image) <= depth;
}

function endProcess(context: SyscallContext, code: number, reason: string): never {
  const message = `stack_restore: ${reason}`;
  exitProcess(context.kernel, context.owner, code, EndReason.failed, 0, message);
  throw PROCESS_EXIT;
}
