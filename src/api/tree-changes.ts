/**
 * Changes of a machine's files by the host program (`machine.fs`), as a journal keeps them. As bytes: the length of the head (u32, little-endian), the head as JSON,
 * what was written.
 */
import type { GuestTree } from "./guest-tree.ts";

/** A change by one method of `machine.fs`. */
export interface TreeChange {
  readonly call: "append" | "mkdir" | "remove" | "rename" | "rmdir" | "symlink" | "write";
  readonly path: string;
  /** The other name of `rename`, the target of `symlink`. */
  readonly other?: string;
  /** What was written. */
  readonly content?: string | Uint8Array;
}

/** A change that was made, and when, in milliseconds since 1970. */
export interface DatedChange {
  readonly change: TreeChange;
  readonly time: number;
}

/** A change as bytes. */
export function encodeChange({ change, time }: DatedChange): Uint8Array<ArrayBuffer> {
  const { content = "", ...head } = change;
  const encoder = new TextEncoder();
  const text = encoder.encode(JSON.stringify({ ...head, time }));
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  const all = new Uint8Array(4 + text.length + bytes.length);
  new DataView(all.buffer).setUint32(0, text.length, true);
  all.set(text, 4);
  all.set(bytes, 4 + text.length);
  return all;
}

/** The change that some bytes hold. */
export function decodeChange(bytes: Uint8Array): DatedChange {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start))) as TreeChange & {
    time: number;
  };
  return { change: { ...head, content: bytes.subarray(start) }, time: head.time };
}

/** Makes a change. @throws WeftError ERR_FILE */
export function makeChange(
  tree: GuestTree,
  { call, path, other = "", content = "" }: TreeChange,
): void {
  if (call === "write" || call === "append") tree.write(path, content, call === "append");
  else if (call === "mkdir") tree.makeDirectory(path);
  else if (call === "rename") tree.rename(path, other);
  else if (call === "symlink") tree.symlink(other, path);
  else tree.remove(path, call === "rmdir");
}
