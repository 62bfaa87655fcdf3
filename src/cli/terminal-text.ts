/** Text on its way to a terminal: names that a file or a guest chose may hold escape sequences, and columns need widths. */

/** The text with control and format characters as `\u{…}`. */
export function printable(text: string): string {
  // Nearly all names are ASCII, and an engine takes a third of a millisecond to make the expression below.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Lines with columns as wide as their widest cell, two spaces between; the last column is as long as it is. */
export function alignColumns(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column < row.length - 1 ? cell.padEnd(widths[column]) : cell,
      );
      return indent + cells.join("  ").trimEnd() + "\n";
    })
    .join("");
}

/** The candidate with the fewest edits, when it is near enough to be meant. */
export function findNearest(word: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = countEdits(word, candidate);
    if (edits < least) {
      nearest = candidate;
      least = edits;
    }
  }
  return nearest;
}

/** Letters to change, add, take away or swap with their neighbour to make one word of another (optimal string alignment). */
function countEdits(first: string, second: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: second.length + 1 }, (_, index) => index);
  for (let row = 1; row <= first.length; row++) {
    const current = [row];
    for (let column = 1; column <= second.length; column++) {
      const change = first[row - 1] === second[column - 1] ? 0 : 1;
      const isSwapped =
        first[row - 1] === second[column - 2] && first[row - 2] === second[column - 1];
      current.push(
        Math.min(
          previous[column] + 1,
          current[column - 1] + 1,
          previous[column - 1] + change,
          isSwapped && row > 1 && column > 1 ? before[column - 2] + 1 : Infinity,
        ),
      );
    }
    before = previous;
    previous = current;
  }
  return previous[second.length];
}

/** Bytes as people read them: `512 B`, `12.3 KiB`, `4 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}
