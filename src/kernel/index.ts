/** Floor 2b: kernel objects. What the floors above use of it, but for those that only parts use (`threads/further-calls.ts`): `epoll.ts`, `event-file.ts`. */
export * from "./events.ts";
export * from "./file-table.ts";
export * from "./futex.ts";
export * from "./id-table.ts";
export * from "./kernel.ts";
export * from "./pipe.ts";
export * from "./pipe-file.ts";
export * from "./port.ts";
export * from "./process.ts";
export * from "./signal.ts";
export * from "./terminal.ts";
export * from "./terminal-file.ts";
export * from "./thread-waits.ts";
export * from "./thread.ts";
