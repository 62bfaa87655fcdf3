/** Floor 1: shared memory. What the floors above use of it. */
export * from "./engine-wait.ts";
export * from "./heap.ts";
export * from "./heap-pages.ts";
export * from "./layout.ts";
export * from "./ledger.ts";
export * from "./lockdep.ts";
export * from "./memory.ts";
export * from "./mutex.ts";
export * from "./panic.ts";
export * from "./park.ts";
export * from "./ranks.ts";
export * from "./snapshot.ts";
export * from "./spin.ts";
export * from "./wait-queue.ts";
