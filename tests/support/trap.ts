import { readThrown } from "../../src/loader/trap.ts";
import {
  type CodeEdits,
  describeThrown,
  type TrapDescription,
} from "../../src/loader/trap-description.ts";

/** Describes what was thrown out of a guest's export. */
export function describeTrap(error: unknown, edits?: CodeEdits): TrapDescription {
  return describeThrown(readThrown(error), edits);
}
