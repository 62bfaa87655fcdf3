/** The browser's randomness. */
import type { Randomness } from "../../kernel/index.ts";

export const browserRandomness: Randomness = {
  fill(bytes) {
    crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
  },
};
