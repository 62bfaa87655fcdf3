/** What it takes to read programs that few are: a part of its own, see `FurtherReading`. */
import { readAsyncify } from "./asyncify.ts";
import { tellForeign } from "./foreign-format.ts";
import { checkImports, formatLinkProblems } from "./link-check.ts";
import type { FurtherReading } from "./program.ts";

export const furtherReading: FurtherReading = {
  readAsyncify,
  tellForeign,
  tellLinkProblems: (description, known, given) =>
    formatLinkProblems(checkImports(description, known, given)),
};
