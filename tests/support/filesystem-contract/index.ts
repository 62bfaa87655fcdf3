/** The whole contract: its families, each of which adds its tests. */
import "./reading.ts";
import "./open-files.ts";
import "./renaming.ts";
import "./names.ts";
import "./directories.ts";
import "./refusing.ts";

export {
  type Departures,
  readingContract,
  refusingContract,
  type Tree,
  writingContract,
} from "./contract.ts";
