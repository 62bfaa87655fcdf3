// A host program in a process of its own: runs threads, closes its machine or does not, and has nothing else to do. Whether it ends is what tests look at.
//
//     node machine-child.js leave|close|kill

import { Machine } from "../../src/api/node.ts";
import { loadGuest } from "./machine-guest.ts";

const how = process.argv[2];
const machine = await Machine.create({ debug: true });
const storm = await loadGuest(machine, "thread_storm");
const { exitCode, stdout } = await machine.run(storm, { args: ["at-once", "5"] });
if (how === "kill") {
  const endless = await machine.spawn(await loadGuest(machine, "thread_states"), {
    args: ["compute", "3"],
  });
  for await (const line of endless.stdout!.lines()) if (line === "ready") break;
  endless.kill();
  await endless.wait();
}
if (how === "close") await machine.close();
console.log(`${exitCode} ${stdout.trim()} ${how}`);
