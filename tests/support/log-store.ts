/** A store in memory for files that a store keeps, which can fail, be full, and end in mid-write. */
import { createHash } from "node:crypto";
import { Filetype } from "../../src/abi/enums.ts";
import type { LogFile } from "../../src/fs/logfs/index.ts";
import { Mount, Open, type Stat } from "../../src/vfs/index.ts";
import type { KernelMachine } from "./kernel-machine.ts";

export class MemoryLog implements LogFile {
  private content = new Uint8Array(0);
  private size = 0;
  isClosed = false;
  /** Size that it cannot exceed. */
  limit = Infinity;
  flushes = 0;
  /** Is called before each write, with what is to be written and where. */
  onWrite: (bytes: Uint8Array, at: number) => void = () => {};

  /** A copy of what it holds. */
  bytes(): Uint8Array {
    return this.content.slice(0, this.size);
  }

  getSize(): number {
    return this.size;
  }

  write(bytes: Uint8Array, { at }: { at: number }): number {
    this.onWrite(bytes, at);
    const end = at + bytes.length;
    if (end > this.limit) {
      throw Object.assign(new Error("no more"), { name: "QuotaExceededError" });
    }
    if (end > this.content.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.content.subarray(0, this.size));
      this.content = larger;
    }
    this.content.set(bytes, at);
    this.size = Math.max(this.size, end);
    return bytes.length;
  }

  truncate(size: number): void {
    this.content.fill(0, size, Math.max(size, this.size));
    this.size = size;
  }

  flush(): void {
    this.flushes++;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** All that is in a mount, times of reading left out, as a text of one line for each name. @param hasTimes whether with the other times */
export function describeTree(machine: KernelMachine, mount: number, hasTimes = true): string {
  const { root } = machine;
  machine.root = Mount.root.get(machine.memory, mount);
  const lines: string[] = [];
  const visit = (path: string): void => {
    const stat = machine.statOf(path === "" ? "/" : path, false) as Stat;
    const { type, links, size, inodeLow } = stat;
    const times = hasTimes && [
      stat.modifiedHigh,
      stat.modifiedLow,
      stat.changedHigh,
      stat.changedLow,
    ];
    const shown = type === Filetype.DIRECTORY ? 0 : size;
    let content = "";
    if (type === Filetype.SYMBOLIC_LINK) content = machine.readlink(path) as string;
    if (type === Filetype.REGULAR_FILE) {
      const file = machine.open(path, Open.read);
      const bytes = machine.read(file, size, 0) as Uint8Array;
      content = createHash("sha1").update(bytes).digest("hex");
      machine.close(file);
    }
    lines.push(
      `${path} ${type} ${links} ${shown} ${inodeLow} ${times ? times.join() : ""} ${content}`,
    );
    if (type !== Filetype.DIRECTORY) return;
    for (const name of machine.names(path === "" ? "/" : path) as string[])
      visit(`${path}/${name}`);
  };
  visit("");
  machine.root = root;
  return lines.join("\n");
}
