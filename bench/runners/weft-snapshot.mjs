// Prints how long a machine with 64 MB of files takes to become bytes, and to come back from them.
//
//   node weft-snapshot.mjs ROUNDS

import { randomFillSync } from "node:crypto";
import { Machine } from "../../dist/node.js";

const MEGABYTE = 2 ** 20;
const rounds = Number(process.argv[2]);

const machine = await Machine.create();
for (let index = 0; index < 64; index++)
  await machine.fs.writeFile(`/file-${index}`, randomFillSync(new Uint8Array(MEGABYTE)));

const best = { take: Infinity, restore: Infinity };
const measure = async (name, action) => {
  const start = process.hrtime.bigint();
  const result = await action();
  best[name] = Math.min(best[name], Number(process.hrtime.bigint() - start));
  return result;
};
for (let round = 0; round < rounds; round++) {
  const bytes = await measure("take", () => machine.snapshot());
  const restored = await measure("restore", () => Machine.restore(bytes));
  if ((await restored.fs.stat("/file-63")).size !== MEGABYTE) throw new Error("a file is missing");
  await restored.close();
}
await machine.close();
console.log(`snapshot_take ${best.take} ns`);
console.log(`snapshot_restore ${best.restore} ns`);
