/** Programs whose threads can share a carrier. A part of its own: only programs with more threads than carriers need what rewrites code. */
import { makeProgram, type Program, readProgram } from "./program.ts";
import { addStopPoints } from "./stop-points.ts";

/**
 * Compiles a program once more, for the threads that share a carrier: with stop points in its code. The bytes are those of a program that was compiled.
 *
 * @returns undefined where its code is not understood: each of its threads needs a carrier of its own
 */
export async function compileShareable(
  bytes: Uint8Array,
  name: string,
  maximumPages: number,
): Promise<Program | undefined> {
  const found = readProgram(bytes, name, maximumPages);
  const stops = addStopPoints(found.bytes, true);
  if (stops === undefined) return undefined;
  return makeProgram(await WebAssembly.compile(stops.bytes), found, name, maximumPages, stops);
}
