/** Node's randomness. */
import { randomFillSync } from "node:crypto";
import type { Randomness } from "../../kernel/index.ts";

export const nodeRandomness: Randomness = {
  fill(bytes) {
    randomFillSync(bytes);
  },
};
