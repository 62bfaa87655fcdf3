/** What it takes to read programs that few are: a part of its own, see `FurtherReading`. */
import { readAsyncify } from "./asyncify.ts";
import { tellForeign } from "./foreign-format.ts";
import { checkImports, formatLinkProblems } from "./link-check.ts";
import { limitMemory } from "./memory-limits.ts";
import type { FurtherReading } from "./program.ts";
import { rareTypes } from "./rare-types.ts";
import { makeRenewable } from "./renewal.ts";
import { tellUnfit } from "./unfit-program.ts";

export const furtherReading: FurtherReading = {
  readAsyncify,
  limitMemory,
  makeRenewable,
  rareTypes,
  tellForeign,
  tellUnfit,
  tellLinkProblems: (description, known, given) =>
    formatLinkProblems(checkImports(description, known, given)),
};
