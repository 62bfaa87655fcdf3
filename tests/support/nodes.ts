/** The Nodes that are there: the one that runs the test, that of the system, and the current one that the package brings. */
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export function findNodes(): string[] {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const system = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => !directory.includes("node_modules"))
    .map((directory) => join(directory, "node"));
  const current = ["node", `node-${process.platform}-${process.arch}`].map((name) =>
    join(root, "node_modules", name, "bin/node"),
  );
  const found = [system, current].flatMap(
    (paths) => paths.find((path) => existsSync(path)) ?? ([] as string[]),
  );
  return [...new Set([process.execPath, ...found].map((path) => realpathSync(path)))];
}
