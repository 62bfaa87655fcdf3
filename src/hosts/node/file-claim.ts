/**
 * Claims of files: that one machine at a time keeps something in a file. A claim is a file beside it, with the suffix `.lock`, that names a process. One whose process
 * is gone counts no more; nothing has to be cleaned up after a crash.
 */
import { linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** A file that another machine has claimed. */
export class FileClaimed extends Error {
  override name = "FileClaimed";
  constructor(pid: number) {
    super(pid === process.pid ? "in this process" : `in process ${pid}`);
  }
}

/** Claims of this process, that its end gives back. */
const claims = new Set<string>();

function giveBackAll(): void {
  for (const claim of claims) rmSync(claim, { force: true });
}

/**
 * Claims a file that exists.
 *
 * @returns what gives the claim back; may be called twice
 * @throws FileClaimed; the host's error where no file can be made beside it
 */
export function claimFile(path: string): () => void {
  const claim = `${realpathSync(path)}.lock`;
  const own = `${claim}.${process.pid}.${Math.floor(Math.random() * 2 ** 32)}`;
  // It gets its name when it is whole.
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`, { flag: "wx" });
  try {
    while (!tryLink(own, claim)) removeStale(claim, `${own}.stale`);
  } finally {
    rmSync(own, { force: true });
  }
  if (claims.size === 0) process.on("exit", giveBackAll);
  claims.add(claim);
  return () => {
    if (!claims.delete(claim)) return;
    if (claims.size === 0) process.off("exit", giveBackAll);
    rmSync(claim, { force: true });
  };
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Removes a claim whose process is gone. @throws FileClaimed */
function removeStale(claim: string, aside: string): void {
  let before: string;
  try {
    before = readFileSync(claim, "latin1");
  } catch (error) {
    // Given back meanwhile. What is there and cannot be read would be met again and again.
    if (codeOf(error) === "ENOENT") return;
    const told = error as NodeJS.ErrnoException;
    // Of what could be opened and not be read, a directory, Node does not tell the name.
    if (told.path === undefined) told.message += ` '${claim}'`;
    throw told;
  }
  const [pid, start] = before.trim().split(" ");
  if (isAlive(Number(pid), start)) throw new FileClaimed(Number(pid));
  try {
    renameSync(claim, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  // Another may have been quicker, and this is its claim.
  if (readIfThere(aside) !== before) tryLink(aside, claim);
  rmSync(aside, { force: true });
}

function isAlive(pid: number, start: string | undefined): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return false;
  }
  // Numbers are used again.
  const now = startOf(pid);
  return now === "?" || now === start || (start === "?" && now !== "0");
}

/** When a process began, in the kernel's ticks; 0 for one that has ended and is still listed; "?" where that cannot be told: only Linux says it. */
function startOf(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The name before may hold anything; the fields after it begin with the third, its state.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return fields[0] === "Z" ? "0" : (fields[19] ?? "?");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
