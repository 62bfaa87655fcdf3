// node rival-child.mjs PROGRAM.wasm ARGUMENTS…
//
// One program in a sandbox of `@wasmer/sdk`, with its output and exit code passed on. The client is
// not closed: that can hang. The process ends itself instead.

import { readFileSync, writeSync } from "node:fs";
import { Wasmer } from "@wasmer/sdk/node";

const [file, ...args] = process.argv.slice(2);
const wasmer = new Wasmer({ cache: false });
const program = await wasmer.packages.load(readFileSync(file));
const sandbox = await wasmer.sandboxes.create({ packages: [program] });
const output = await sandbox.command(program, args).run({ check: false });
writeSync(1, output.stdout.bytes);
writeSync(2, output.stderr.bytes);
process.reallyExit(output.exitCode);
