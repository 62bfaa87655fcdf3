/** What it takes to read programs that few are: a part of its own, see `FurtherReading`. */
import { readAsyncify } from "./asyncify.ts";
import { checkImports, formatLinkProblems } from "./link-check.ts";
import type { FurtherReading } from "./program.ts";

export const furtherReading: FurtherReading = {
  readAsyncify,
  tellLinkProblems: (description, known, given) =>
    formatLinkProblems(checkImports(description, known, given)),
};
