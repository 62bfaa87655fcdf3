/** The parts of the library that few pages need: what workers have of them, and what the page has alone. See `hosts/browser/parts.ts`. */
export * from "../hosts/browser/worker-parts.ts";
export { CopyingMachine } from "./copying-machine.ts";
export { furtherParts } from "./further-parts.ts";
export { createMountMaker } from "./mount-maker.ts";
export { openSnapshot } from "./restore.ts";
export { MachineSnapshots } from "./snapshot.ts";
export { openStores } from "./stores.ts";
