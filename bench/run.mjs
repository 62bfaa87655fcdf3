#!/usr/bin/env node
// npm run bench: measures native, rival and Weft in turn, on one machine in one run, and prints the
// table of goals with what was reached. What the figures mean and leave out: README.md.

import { existsSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { listExperiments, makeFolders } from "./experiments.mjs";
import { findNodes } from "./nodes.mjs";
import { reasonOfFailure } from "./process.mjs";
import { buildGuests, findNativeCompiler } from "./programs.mjs";
import { formatTable, judgeRows } from "./report.mjs";
import { rows as allRows, selectRows } from "./rows.mjs";
import { command } from "./runners/weft.mjs";
import { median } from "./statistics.mjs";

const help = `npm run bench -- [options]

Measures the rows of the table of goals: native (gcc), rival (@wasmer/sdk) and Weft in turn.

  --rows=a,b                the rows whose names begin so (default: all)
  --node=20|current|both    the system's Node, the devDependency's, or both (default)
  --quick                   few rounds: for a look, not for a claim
  --no-rival                leaves the rival out
  --cli=FILE                measures this command in the place of dist/cli.cjs
  --json=FILE               writes every sample and verdict there
  --help                    prints this

Rows: ${allRows.map(({ id }) => id).join(", ")}
`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      rows: { type: "string" },
      node: { type: "string", default: "both" },
      json: { type: "string" },
      cli: { type: "string" },
      quick: { type: "boolean", default: false },
      "no-rival": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (!["20", "current", "both"].includes(values.node))
    throw new Error(`--node is 20, current or both, not ${values.node}`);
  if (values.cli && !existsSync(values.cli)) throw new Error(`there is no file ${values.cli}`);
  const names = values.rows?.split(",").filter((name) => name !== "");
  return { ...values, rival: !values["no-rival"], rows: selectRows(names) };
}

/** With more of the processors in others' hands than this, figures are not to be trusted. */
const BUSY = 0.1;

const progress = (text) =>
  process.stderr.write(`${(performance.now() / 1e3).toFixed(0).padStart(5)} s  ${text}\n`);

/** The part of the processors' time that other programs use, looked at for a fifth of a second. */
async function measureOthers() {
  const read = () => {
    const times = cpus().map((processor) => processor.times);
    const sum = (kinds) =>
      times.reduce((all, time) => all + kinds.reduce((a, k) => a + time[k], 0), 0);
    const busy = sum(["user", "nice", "sys", "irq"]);
    return { busy, all: busy + sum(["idle"]) };
  };
  const before = read();
  await sleep(200);
  const after = read();
  return (after.busy - before.busy) / Math.max(1, after.all - before.all);
}

/** Adds the figures of a finished run to a side: the lines it printed, its time and its memory. */
function addFigures(side, { stdout, wall, peakMemory, digest }) {
  const add = (name, value, unit) => {
    const figure = side.figures.get(name) ?? { unit, values: [] };
    figure.values.push(value);
    side.figures.set(name, figure);
  };
  for (const [, name, value, unit] of stdout.matchAll(/^(\w+) (-?[\d.]+) (\S+)$/gm))
    add(name, Number(value), unit);
  if (wall !== undefined) add("wall", wall * 1e6, "ns");
  if (peakMemory !== undefined) add("peak_memory", peakMemory, "bytes");
  if (digest !== undefined) side.digests.add(digest);
}

/** Runs one side once; a side that did not end in time is not asked again. */
async function runOnce(side, definition) {
  const result = await definition.run();
  const reason = reasonOfFailure(result);
  if (reason === undefined) return addFigures(side, result);
  side.reason = reason;
  side.failed = true;
  side.failures++;
  side.given_up = result.timedOut;
  progress(`    ${reason}`);
}

/** A side whose result is not the first side's has not done the work: its time means nothing. */
function discardWrong(sides) {
  const made = sides.filter((side) => side.digests.size > 0);
  const right = [...(made[0]?.digests ?? [])][0];
  for (const side of made)
    if (side.digests.size > 1 || !side.digests.has(right)) {
      side.figures.clear();
      side.failed = true;
      side.reason = `its result is not ${side === made[0] ? "always the same" : "the first side's"}`;
    }
}

/** Runs an experiment's sides in turn, each round beginning with another one. */
async function runExperiment(experiment, { rival }, title) {
  const definitions = experiment.sides();
  if (!rival) definitions.rival = { unavailable: "left out by --no-rival" };
  const results = new Map();
  const runnable = [];
  for (const [label, definition] of Object.entries(definitions)) {
    const side = { figures: new Map(), digests: new Set(), failures: 0, failed: false };
    results.set(label, side);
    side.reason = definition.unavailable;
    if (side.reason !== undefined) continue;
    try {
      definition.prepare?.();
      runnable.push([label, definition]);
    } catch (error) {
      side.reason = error.message;
      side.failed = true;
      progress(`    ${label}: ${error.message}`);
    }
  }
  const others = [];
  for (let round = 0; round < experiment.rounds && runnable.length > 0; round++) {
    if (!experiment.untimed) others.push(await measureOthers());
    for (let turn = 0; turn < runnable.length; turn++) {
      const [label, definition] = runnable[(round + turn) % runnable.length];
      const side = results.get(label);
      if (side.given_up || round >= (definition.rounds ?? experiment.rounds)) continue;
      progress(`${title}, round ${round + 1} of ${experiment.rounds}: ${label}`);
      await runOnce(side, definition);
    }
  }
  discardWrong([...results.values()]);
  return { sides: results, others: median(others) };
}

/** All experiments that the chosen rows need, in one Node. */
async function measure(node, options, folders) {
  const measured = new Map();
  const samples = (experiment, label) => measured.get(experiment)?.sides.get(label);
  const needed = new Set(options.rows.map((row) => row.experiment));
  const experiments = listExperiments({ node, quick: options.quick, folders, samples }).filter(
    ({ id }) => needed.has(id),
  );
  const programs = new Set(experiments.map(({ program }) => program).filter(Boolean));
  try {
    buildGuests([...programs]);
  } catch (error) {
    // The sides that need what is missing try once more and tell.
    progress(error.message);
  }
  for (const [index, experiment] of experiments.entries()) {
    const title = `[${index + 1}/${experiments.length}] Node ${node.version}: ${experiment.title}`;
    measured.set(experiment.id, await runExperiment(experiment, options, title));
  }
  const judged = judgeRows(options.rows, node, samples);
  for (const [id, { others }] of measured)
    if (others > BUSY)
      for (const row of judged.filter((row) => row.experiment === id))
        row.notes.push(
          `other programs used ${Math.round(others * 100)}% of the processors meanwhile: measure again on a quiet machine`,
        );
  return { judged, measured };
}

function describeMachine(folders) {
  const processors = cpus();
  return {
    processors: processors.length,
    model: processors[0]?.model.trim() ?? "unknown",
    memory: totalmem(),
    system: `${type()} ${release()}`,
    compiler: findNativeCompiler() ?? "none",
    folders: folders.kinds,
  };
}

function formatMachine(machine, options) {
  return [
    `${machine.processors} processors (${machine.model}), ${Math.round(machine.memory / 1e9)} GB, ${machine.system}`,
    `native: ${machine.compiler}; in memory: ${machine.folders.memory}; folder of the host: ${machine.folders.host}`,
    `Each figure is the median of the rounds, ± half the range; (n ×) is the ratio to the first column.`,
    ...(options.quick ? ["Quick run: too few rounds to claim anything."] : []),
    "",
  ].join("\n");
}

/** Samples as plain data, for --json. */
const toPlain = (measured) =>
  Object.fromEntries(
    [...measured].map(([experiment, { sides, others }]) => [
      experiment,
      {
        others,
        sides: Object.fromEntries(
          [...sides].map(([label, { figures, reason, failures }]) => [
            label,
            { figures: Object.fromEntries(figures), reason, failures },
          ]),
        ),
      },
    ]),
  );

async function main() {
  const options = readOptions();
  if (options.help) return void process.stdout.write(help);
  if (options.cli) command.file = resolve(options.cli);
  const nodes = findNodes(options.node);
  const folders = makeFolders();
  try {
    const machine = describeMachine(folders);
    process.stdout.write(formatMachine(machine, options));
    const results = [];
    for (const node of nodes) {
      const { judged, measured } = await measure(node, options, folders);
      process.stdout.write(`\n${formatTable(judged, node)}`);
      const { version, jspi } = node;
      results.push({ version, jspi, rows: judged, samples: toPlain(measured) });
    }
    if (options.json)
      writeFileSync(
        options.json,
        JSON.stringify({ machine, quick: options.quick, nodes: results }, null, 2) + "\n",
      );
  } finally {
    folders.remove();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
