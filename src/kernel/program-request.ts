/**
 * Program request: a process asks the host to load a program, and to start it as a child or in its own place.
 *
 * The host compiles, which a guest's thread cannot be kept busy with, and knows programs by where their files are and when they were changed. Only what
 * it does not know it asks the bytes of, which the asking thread reads: through the mounts, as any file.
 *
 *     asked → taken → answered
 *               ↓
 *             unread → (the thread reads) → asked
 *
 * Counts: one for the thread that asks, noted as held (`Thread.heldRequest`), one for the host's queue, and then for what serves the request.
 * Lock: none. `state` is stepped by one side at a time; `changes` wakes the asking thread.
 */
import {
  address,
  allocate,
  atomic32,
  free,
  type KernelMemory,
  layout,
  parkerFields,
  pushReady,
  u32,
  waitQueue,
  wakeQueue,
} from "../shm/index.ts";
import { dropFile } from "../vfs/index.ts";
import { HostCall, type Kernel, KernelRoot } from "./kernel.ts";
import { dropProcess, keepProcess } from "./process.ts";
import {
  dropStringList,
  makeStringList,
  packStrings,
  StringList,
  stringsOf,
} from "./string-list.ts";

/** States of a request: see above. */
export const RequestState = { asked: 0, taken: 1, unread: 2, answered: 3 } as const;

/** Linked as a parker, so that a ready queue's list serves. */
export const ProgramRequest = layout("ProgramRequest", {
  ...parkerFields,
  refs: atomic32,
  /** `RequestState`. */
  state: atomic32,
  changes: waitQueue(),
  /** The process that asks, and the one that the program is for: immutable, each with a count. The same where it is to be replaced. */
  asker: address,
  process: address,
  /** The open file of the program, with a count: immutable. */
  file: address,
  /** A `StringList`: the program's path, and what tells one content of one file from others. Immutable. */
  names: address,
  /** Bytes of the program and their number, once they were read: written by the asking thread before it asks again. */
  content: address,
  contentLength: u32,
  /** With `answered`: 0, the host's number of a program that it keeps ready, or a negated errno. */
  result: atomic32,
});

/** What a request is made of. */
export interface ProgramWanted {
  asker: number;
  process: number;
  /** An open file whose count is taken over. */
  file: number;
  path: string;
  /** Differs where the file's content may differ; empty where nobody can tell. */
  identity: string;
}

/** Makes a request and hands it to the host; the caller has one count. 0 when the kernel heap is full. */
export function askForProgram(kernel: Kernel, wanted: ProgramWanted): number {
  const { memory, vfs } = kernel;
  const names = makeStringList(memory, packStrings([wanted.path, wanted.identity]));
  const request = names === 0 ? 0 : ProgramRequest.allocate(memory);
  if (request === 0) {
    dropStringList(memory, names);
    dropFile(vfs, wanted.file);
    return 0;
  }
  keepProcess(memory, wanted.asker);
  keepProcess(memory, wanted.process);
  ProgramRequest.refs.store(memory, request, 1);
  ProgramRequest.asker.set(memory, request, wanted.asker);
  ProgramRequest.process.set(memory, request, wanted.process);
  ProgramRequest.file.set(memory, request, wanted.file);
  ProgramRequest.names.set(memory, request, names);
  submitRequest(kernel, request);
  return request;
}

/** Hands a request to the host. */
export function submitRequest(kernel: Kernel, request: number): void {
  const { memory, root } = kernel;
  ProgramRequest.refs.add(memory, request, 1);
  ProgramRequest.state.store(memory, request, RequestState.asked);
  pushReady(memory, KernelRoot.programRequests.at(root), request);
  kernel.callHost(HostCall.programs);
}

/** Makes room for the program's bytes in a request; its address, or 0 when the kernel heap is full. */
export function makeContent(memory: KernelMemory, request: number, length: number): number {
  const content = allocate(memory, Math.max(1, length));
  ProgramRequest.content.set(memory, request, content);
  ProgramRequest.contentLength.set(memory, request, length);
  return content;
}

/** The path and the identity of a request. */
export function readNames(
  memory: KernelMemory,
  request: number,
): { path: string; identity: string } {
  const list = ProgramRequest.names.get(memory, request);
  const start = stringsOf(list);
  const bytes = memory.u8.slice(start, start + StringList.length.get(memory, list));
  const [path, identity] = new TextDecoder().decode(bytes).split("\0");
  return { path, identity };
}

/** The host's answer: a state, and with `answered` a result. Drops the host's count. */
export function answerRequest(kernel: Kernel, request: number, state: number, result = 0): void {
  const { memory } = kernel;
  ProgramRequest.result.store(memory, request, result);
  ProgramRequest.state.store(memory, request, state);
  wakeQueue(memory, ProgramRequest.changes.at(request), 1);
  dropRequest(kernel, request);
}

/** Drops one count; the last one frees the request. */
export function dropRequest(kernel: Kernel, request: number): void {
  const { memory, vfs } = kernel;
  if (ProgramRequest.refs.add(memory, request, -1) !== 1) return;
  const content = ProgramRequest.content.get(memory, request);
  if (content !== 0)
    free(memory, content, Math.max(1, ProgramRequest.contentLength.get(memory, request)));
  dropStringList(memory, ProgramRequest.names.get(memory, request));
  dropFile(vfs, ProgramRequest.file.get(memory, request));
  dropProcess(kernel, ProgramRequest.process.get(memory, request));
  dropProcess(kernel, ProgramRequest.asker.get(memory, request));
  ProgramRequest.free(memory, request);
}
