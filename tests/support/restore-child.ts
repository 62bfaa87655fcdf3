// A host program in a process of its own that restores a machine and tells what it finds.
//
//     node restore-child.js FILE OPTIONS    options of `Machine.restore` as JSON

import { readFile } from "node:fs/promises";
import { Machine } from "../../src/api/node.ts";
import type { RestoreOptions } from "../../src/api/restore.ts";
import { describeTree } from "./snapshot-tree.ts";
import { loadGuest } from "./machine-guest.ts";

const [file, options] = process.argv.slice(2);
const machine = await Machine.restore(await readFile(file), JSON.parse(options) as RestoreOptions);
await machine.running[0]?.stdin?.write("g");
const running = (await machine.running[0]?.wait())?.stdout;
const tree = await describeTree(machine, "/");
const { pid, stdout } = await machine.run(await loadGuest(machine, "hello"), {});
const uptime = await machine.fs.readTextFile("/proc/uptime");
await machine.close();
console.log(JSON.stringify({ running, tree, pid, stdout, uptime }));
