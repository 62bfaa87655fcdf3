/**
 * Drivers that an agent takes when it first meets a file of theirs, in the middle of a call. Node can load a file at once: in its bundle they are a part of their own
 * (`tools/bundle.mjs` has another module in the place of this one).
 */
import { installProcfs } from "../fs/procfs/driver.ts";

export const loadProcfs = () => installProcfs;
