/** What is in a machine's tree, to be compared with that of another. */
import { createHash } from "node:crypto";
import type { Machine } from "../../src/api/node.ts";

const digest = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest("hex");

/** Everything below a directory but `/proc`: kinds, sizes, times, digests of contents, by path. */
export async function describeTree(
  machine: Machine,
  directory: string,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name, kind } of await machine.fs.readdir(directory)) {
    const path = `${directory === "/" ? "" : directory}/${name}`;
    if (path === "/proc") continue;
    const { size, links, modified, changed } = await machine.fs.lstat(path);
    const content =
      kind === "file"
        ? digest(await machine.fs.readFile(path))
        : kind === "symlink"
          ? await machine.fs.readlink(path)
          : "";
    found[path] = [kind, size, links, modified.toISOString(), changed.toISOString(), content];
    if (kind === "directory") Object.assign(found, await describeTree(machine, path));
  }
  return found;
}
