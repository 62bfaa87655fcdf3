/**
 * How many bytes the frames of guest code on the running stack write at most when they are unwound. Asyncify's code does not look at the end of its buffer, so this
 * must be known before. Engines tell the stack with an error; counting its frames takes them 10 to 30 microseconds.
 */

/** What V8 tells of a frame. */
interface CallSite {
  toString(): string;
}

/** As V8 has it; others know only the text. */
interface StackTracer {
  stackTraceLimit?: number;
  prepareStackTrace?: ((error: unknown, sites: readonly CallSite[]) => unknown) | undefined;
}

const tracer = Error as StackTracer;

/** More frames than any engine's stack has. */
const ALL = 1_000_000;

/** Bytes that nobody minds. */
const FEW = 16_384;

/** The frames of the running stack, innermost first, each as something whose text names it. */
function readFrames(): readonly CallSite[] {
  const { stackTraceLimit, prepareStackTrace } = tracer;
  tracer.stackTraceLimit = ALL;
  tracer.prepareStackTrace = (_error, sites) => sites;
  try {
    const { stack } = new Error() as { stack?: unknown };
    return Array.isArray(stack) ? (stack as CallSite[]) : String(stack).split("\n");
  } finally {
    if (stackTraceLimit !== undefined) tracer.stackTraceLimit = stackTraceLimit;
    tracer.prepareStackTrace = prepareStackTrace;
  }
}

/**
 * An upper bound of what the running stack's frames write.
 *
 * @param frameBytes by the function's index; @param largest the largest of these
 */
export function measureFrames(frameBytes: Uint32Array, largest: number): number {
  const frames = readFrames();
  const most = frames.length * largest;
  if (most <= FEW) return most;
  let sum = 0;
  for (const frame of frames) {
    const index = /wasm-function\[(\d+)\]/.exec(frame.toString())?.[1];
    // A frame of the host's, or one that is told by its name alone.
    sum += index === undefined ? 0 : (frameBytes[Number(index)] ?? 0);
  }
  return sum;
}
