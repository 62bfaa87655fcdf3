/**
 * Asking a filesystem whose code runs in another agent: a request in the kernel heap, a call to the host, a sleep.
 *
 * Life of a request: made by the thread that asks, which sleeps until it is answered and then frees it. A thread whose process ends meanwhile does not wait:
 * it marks the request as abandoned, and the host frees it when it comes to it. So code that never answers holds nobody but the program that asked.
 * Lock: `UserMount.lock` around the answer and its wake-up; the asking thread takes it once before it goes on, since its own record, which is woken, may
 * be gone soon after.
 */
import { Errno } from "../../abi/errno.ts";
import { HostCall, type Kernel, KernelRoot } from "../../kernel/index.ts";
import {
  address,
  allocate,
  atomic32,
  f64,
  free,
  type KernelMemory,
  layout,
  mutex,
  parkerFields,
  pushReady,
  Rank,
  u32,
  unpark,
} from "../../shm/index.ts";
import type { UserAnswer, UserAnswers, UserQuestion } from "./port.ts";

/** The super record of a mount. */
export const UserMount = layout("UserMount", { lock: mutex(Rank.Pipe) });

const RequestState = { waiting: 0, taken: 1, answered: 2, abandoned: 3 } as const;

/** A request. Linked as a parker, so that a ready queue's list serves. Path and other bytes follow the record. */
export const UserRequest = layout("UserRequest", {
  ...parkerFields,
  /** `RequestState`. */
  state: atomic32,
  /** Immutable: the question. */
  super: address,
  mount: address,
  operation: u32,
  waiter: address,
  pathLength: u32,
  otherLength: u32,
  position: f64,
  length: u32,
  /** Written by the host before it is answered: the answer, its bytes a block of their own. */
  result: atomic32,
  content: address,
  contentLength: u32,
  type: u32,
  size: f64,
  modified: f64,
});

/** Asks, and waits for the answer. ENOMEM when the kernel heap is full, EINTR when the process ends, ENOTSUP where nobody could wait. */
export function ask(
  kernel: Kernel,
  direct: UserAnswers | undefined,
  question: UserQuestion,
  state: number,
): UserAnswer {
  if (direct !== undefined) return direct.answer(question);
  const { memory, root, vfs } = kernel;
  const { sleeper } = vfs;
  if (sleeper === undefined) return { result: -Errno.ENOTSUP };
  const request = makeRequest(memory, question, state, sleeper.parker);
  if (request === 0) return { result: -Errno.ENOMEM };
  pushReady(memory, KernelRoot.fileRequests.at(root), request);
  kernel.callHost(HostCall.files);
  const isOpen = () => UserRequest.state.load(memory, request) !== RequestState.answered;
  if (!sleeper.sleepWhile(isOpen)) {
    for (const before of [RequestState.waiting, RequestState.taken]) {
      const seen = UserRequest.state.compareExchange(
        memory,
        request,
        before,
        RequestState.abandoned,
      );
      if (seen === before) return { result: -Errno.EINTR };
    }
  }
  UserMount.lock.acquire(memory, state);
  UserMount.lock.release(memory, state);
  const start = UserRequest.content.get(memory, request);
  const answer: UserAnswer = {
    result: UserRequest.result.load(memory, request),
    bytes: memory.u8.slice(start, start + UserRequest.contentLength.get(memory, request)),
    type: UserRequest.type.get(memory, request),
    size: UserRequest.size.get(memory, request),
    modified: UserRequest.modified.get(memory, request),
  };
  freeRequest(memory, request);
  return answer;
}

function makeRequest(
  memory: KernelMemory,
  question: UserQuestion,
  state: number,
  waiter: number,
): number {
  const { path, other } = question;
  const request = UserRequest.allocate(memory, path.length + other.length);
  if (request === 0) return 0;
  UserRequest.super.set(memory, request, state);
  UserRequest.mount.set(memory, request, question.mount);
  UserRequest.operation.set(memory, request, question.operation);
  UserRequest.waiter.set(memory, request, waiter);
  UserRequest.position.set(memory, request, question.position);
  UserRequest.length.set(memory, request, question.length);
  UserRequest.pathLength.set(memory, request, path.length);
  UserRequest.otherLength.set(memory, request, other.length);
  memory.u8.set(path, request + UserRequest.bytes);
  memory.u8.set(other, request + UserRequest.bytes + path.length);
  return request;
}

/** For the host: takes a request over; undefined, and it is freed, where nobody waits for the answer. */
export function takeRequest(memory: KernelMemory, request: number): UserQuestion | undefined {
  const { waiting, taken } = RequestState;
  if (UserRequest.state.compareExchange(memory, request, waiting, taken) !== waiting) {
    freeRequest(memory, request);
    return undefined;
  }
  const start = request + UserRequest.bytes;
  const middle = start + UserRequest.pathLength.get(memory, request);
  return {
    mount: UserRequest.mount.get(memory, request),
    operation: UserRequest.operation.get(memory, request),
    path: memory.u8.slice(start, middle),
    other: memory.u8.slice(middle, middle + UserRequest.otherLength.get(memory, request)),
    position: UserRequest.position.get(memory, request),
    length: UserRequest.length.get(memory, request),
  };
}

/** For the host: answers a request that it took, or frees it where nobody waits any more. */
export function answerRequest(memory: KernelMemory, request: number, answer: UserAnswer): void {
  memory.refreshIfGrown();
  const bytes = answer.bytes ?? new Uint8Array(0);
  const block = bytes.length === 0 ? 0 : allocate(memory, bytes.length);
  const fits = bytes.length === 0 || block !== 0;
  if (block !== 0) memory.u8.set(bytes, block);
  UserRequest.content.set(memory, request, block);
  UserRequest.contentLength.set(memory, request, block === 0 ? 0 : bytes.length);
  UserRequest.type.set(memory, request, answer.type ?? 0);
  UserRequest.size.set(memory, request, answer.size ?? 0);
  UserRequest.modified.set(memory, request, answer.modified ?? 0);
  UserRequest.result.store(memory, request, fits ? answer.result : -Errno.ENOMEM);
  const waiter = UserRequest.waiter.get(memory, request);
  const state = UserRequest.super.get(memory, request);
  const { taken, answered } = RequestState;
  UserMount.lock.acquire(memory, state);
  const isWanted = UserRequest.state.compareExchange(memory, request, taken, answered) === taken;
  if (isWanted) unpark(memory, waiter);
  UserMount.lock.release(memory, state);
  if (!isWanted) freeRequest(memory, request);
}

/** Frees a request that nobody will answer or wait for. */
export function freeRequest(memory: KernelMemory, request: number): void {
  const bytes = UserRequest.content.get(memory, request);
  if (bytes !== 0) free(memory, bytes, UserRequest.contentLength.get(memory, request));
  const extra =
    UserRequest.pathLength.get(memory, request) + UserRequest.otherLength.get(memory, request);
  UserRequest.free(memory, request, extra);
}
