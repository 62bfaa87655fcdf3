/** The parts that workers may need: see `parts.ts`. */
export { compileShareable } from "../../loader/shareable-program.ts";
export { installMountDrivers } from "./mount-drivers.ts";
export { runOnCopy } from "./copy-run.ts";
export { keepStore, openStore } from "./store-worker.ts";
