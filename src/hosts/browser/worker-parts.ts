/** The parts that workers may need: see `parts.ts`. */
export { furtherReading } from "../../loader/further-reading.ts";
export { describeRawTrap, describeThrown } from "../../loader/trap-description.ts";
export { LockOrder } from "../../shm/index.ts";
export { compileShareable } from "../../loader/shareable-program.ts";
export { formatCall } from "../../syscalls/call-text.ts";
export { formatEvent } from "../../threads/event-text.ts";
export { installFurtherCalls } from "../../threads/further-calls.ts";
export { RawWaits } from "../../threads/raw-wait.ts";
export { StackCarrier } from "../../threads/stack-carrier.ts";
export { runOnCopy } from "./copy-run.ts";
export { installMountDrivers } from "./mount-drivers.ts";
export { keepStore, openStore } from "./store-worker.ts";
