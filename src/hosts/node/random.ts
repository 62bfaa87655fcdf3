/** Node's randomness. */
import type { Randomness } from "../../kernel/index.ts";
import { crypto } from "./builtin.ts";

export const nodeRandomness: Randomness = {
  fill(bytes) {
    crypto().randomFillSync(bytes);
  },
};
