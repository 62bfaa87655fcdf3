/** Node's randomness. */
import type { Randomness } from "../../kernel/index.ts";

export const nodeRandomness: Randomness = {
  fill(bytes) {
    // The global is loaded on first use, other than an import of node:crypto, which every start would pay for.
    globalThis.crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
  },
};
