/**
 * The engine's own waits on words of a guest's memory: what `memory.atomic.wait32` and `wait64` do, for callers that do it in a guest's place. They are woken by
 * the instruction `memory.atomic.notify` of any agent.
 */

/** What the instructions answer. */
export const WaitAnswer = { woken: 0, notEqual: 1, timedOut: 2 } as const;

const ANSWERS = {
  ok: WaitAnswer.woken,
  "not-equal": WaitAnswer.notEqual,
  "timed-out": WaitAnswer.timedOut,
} as const;

/**
 * Waits with this agent.
 *
 * @param address in bytes, aligned, inside the shared memory; @param expected a bigint for a word of 64 bits; @param timeout milliseconds, Infinity for none
 */
export function waitOnWord(
  memory: WebAssembly.Memory,
  address: number,
  expected: number | bigint,
  timeout: number,
): number {
  const { buffer } = memory;
  return ANSWERS[
    typeof expected === "bigint"
      ? Atomics.wait(new BigInt64Array(buffer), address / 8, expected, timeout)
      : Atomics.wait(new Int32Array(buffer), address / 4, expected, timeout)
  ];
}

/** The same without the agent: calls `end` with the answer, at once or in a later turn of the event loop. */
export function waitOnWordAsync(
  memory: WebAssembly.Memory,
  address: number,
  expected: number | bigint,
  timeout: number,
  end: (answer: number) => void,
): void {
  const { buffer } = memory;
  const wait =
    typeof expected === "bigint"
      ? Atomics.waitAsync(new BigInt64Array(buffer), address / 8, expected, timeout)
      : Atomics.waitAsync(new Int32Array(buffer), address / 4, expected, timeout);
  if (wait.async) void wait.value.then((answer) => end(ANSWERS[answer]));
  else end(ANSWERS[wait.value]);
}

/** Wakes all that wait on a word. */
export function notifyWord(memory: WebAssembly.Memory, address: number): void {
  Atomics.notify(new Int32Array(memory.buffer), address >>> 2);
}
