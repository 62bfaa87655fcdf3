// Judges the rows by what was measured and prints the table.

import { median, spread } from "./statistics.mjs";

/** A figure in the unit people read, three significant digits. */
export function formatFigure(value, unit) {
  const digits = (number) =>
    Number(number.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 4 });
  switch (unit) {
    case "ns":
      return value < 1e6 ? `${digits(value / 1e3)} µs` : `${digits(value / 1e6)} ms`;
    case "MB/s":
      return `${digits(value / 1e3)} GB/s`;
    case "percent":
      return `${(value / 100).toFixed(2)} ×`;
    case "bytes":
      return value < 1e6 ? `${digits(value / 1e3)} kB` : `${digits(value / 1e6)} MB`;
    default:
      return `${digits(value)} ${unit}`;
  }
}

const reasonOfMissing = (figure) =>
  figure === "peak_memory" ? "it ended before its memory could be read" : `it printed no ${figure}`;

/** One side's figure of a row: `{ value, unit, spread, count }`, or `{ reason }` why there is none. */
function readCell(row, label, samples) {
  const side = samples(row.experiment, label);
  if (!side) return { reason: "not measured" };
  const figure = side.figures.get(row.figure);
  if (!figure) return { reason: side.reason ?? reasonOfMissing(row.figure), failed: side.failed };
  const { values, unit } = figure;
  return {
    value: median(values),
    unit,
    spread: spread(values),
    count: values.length,
    failures: side.failures,
    reason: side.failures ? side.reason : undefined,
  };
}

const meets = (value, limit, better) => (better === "higher" ? value >= limit : value <= limit);

/** `reached`, `missed`, or `n/a` where there is nothing to judge, with a remark if one is due. */
function judge(row, goal, cells, other) {
  if (!goal) return { verdict: "" };
  const { weft } = cells;
  if (weft.value === undefined) return weft.failed ? { verdict: "missed" } : { verdict: "n/a" };
  if (goal.of) {
    const base = goal.of === "native" ? cells.native : other;
    if (base?.value === undefined)
      return { verdict: "n/a", remark: `nothing to compare with: ${base?.reason}` };
    const met = meets(weft.value / base.value, goal.limit, row.better);
    return { verdict: met ? "reached" : "missed" };
  }
  const verdict = meets(weft.value, goal.limit, row.better) ? "reached" : "missed";
  if (!row.reference || cells.native.value === undefined) return { verdict };
  const limit = goal.limit / row.reference;
  const ratio = weft.value / cells.native.value;
  const relative = meets(ratio, limit, row.better) ? "reached" : "missed";
  if (relative === verdict) return { verdict };
  return {
    verdict,
    remark: `the goal was set where native has ${formatFigure(row.reference, weft.unit)}; as a ratio to native, ${ratio.toFixed(2)} for ${limit.toFixed(2)}, it is ${relative}`,
  };
}

/** Each row with its cells and verdict, ready to be printed or kept. */
export function judgeRows(rows, node, samples) {
  return rows.map((row) => {
    const goal = row.goal?.(node);
    const baseline = row.baseline ?? "native";
    const cells = {
      native: readCell(row, baseline, samples),
      rival: readCell(row, "rival", samples),
      weft: readCell(row, "weft", samples),
    };
    const other = row.also && readCell(row, row.also, samples);
    const of = goal?.of === baseline ? cells.native : other;
    for (const cell of [cells.rival, cells.weft, other])
      if (cell?.value !== undefined && cells.native.value !== undefined)
        cell.ratio = cell.value / cells.native.value;
    const { verdict, remark } = judge(row, goal, cells, of);
    const notes = [];
    if (row.also) notes.push(`${row.also}: ${formatCell(other)}${versus(cells.weft, other)}`);
    if (remark) notes.push(remark);
    for (const [label, cell] of [[baseline, cells.native], ...Object.entries(cells).slice(1)])
      if (cell.reason)
        notes.push(
          cell.failures
            ? `${label}: ${cell.failures} of ${cell.failures + cell.count} runs failed: ${cell.reason}`
            : `${label}: ${cell.reason}`,
        );
    return {
      id: row.id,
      experiment: row.experiment,
      title: row.title,
      baseline,
      cells,
      goal: goal?.text ?? "",
      verdict,
      notes,
    };
  });
}

const versus = (cell, other) =>
  cell.value !== undefined && other.value !== undefined
    ? `, Weft ${(cell.value / other.value).toFixed(2)} ×`
    : "";

function formatCell(cell) {
  if (cell.value === undefined) return cell.failed ? "failed" : "n/a";
  const parts = [formatFigure(cell.value, cell.unit)];
  if (cell.count > 1) parts.push(`±${Math.round(cell.spread * 100)}%`);
  if (cell.ratio !== undefined && cell.unit !== "percent")
    parts.push(`(${Number(cell.ratio.toPrecision(2)).toLocaleString("en-US")} ×)`);
  return parts.join(" ");
}

/** The table of one Node as text. */
export function formatTable(judged, node) {
  const header = ["row", "native", "rival", "Weft", "goal", "verdict"];
  const lines = judged.map(({ title, baseline, cells, goal, verdict }) => [
    title,
    formatCell(cells.native) + (baseline === "native" ? "" : ` [${baseline}]`),
    formatCell(cells.rival),
    formatCell(cells.weft),
    goal,
    verdict,
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...lines].map((line) => [...line[column]].length)),
  );
  const format = (line) =>
    line
      .map((cell, column) => cell + " ".repeat(widths[column] - [...cell].length))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  const count = (verdict) => judged.filter((row) => row.verdict === verdict).length;
  const notes = groupNotes(judged);
  return [
    `Node ${node.version}, ${node.jspi ? "with" : "without"} JSPI`,
    "",
    ...[header, rule, ...lines].map(format),
    "",
    `${count("reached")} reached, ${count("missed")} missed, ${count("n/a")} not measured`,
    ...(notes.length ? ["", ...notes] : []),
    "",
  ].join("\n");
}

/** One line for each remark, with the rows it is about. */
function groupNotes(judged) {
  const byNote = new Map();
  for (const { id, notes } of judged)
    for (const note of notes) byNote.set(note, [...(byNote.get(note) ?? []), id]);
  return [...byNote].map(([note, ids]) => {
    const about = ids.length > 4 ? `${ids[0]} and ${ids.length - 1} more` : ids.join(", ");
    return `  ${about}: ${note}`;
  });
}
