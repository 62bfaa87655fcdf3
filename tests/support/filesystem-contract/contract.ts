/**
 * What every filesystem owes its programs, as tests by name: made once, run against each (`tests/filesystems/contract.test.ts`).
 *
 * A test begins with a tree, which the subject has brought about in whatever way is its own: files that were in the layer below, a directory of
 * the host, an archive. It makes the calls of a process and compares results with what POSIX says, and where that leaves a choice with Linux.
 */
import assert from "node:assert/strict";
import { errnoName } from "../../../src/abi/errno.ts";
import type { PosixCalls } from "../posix-calls.ts";

/** What is there before a test: text of a file, null for a directory, or where a symbolic link points to. Directories come before what is in them. */
export type Tree = Readonly<Record<string, string | null | { readonly link: string }>>;

/** In what a filesystem departs from the rest, each for a reason that its documentation gives. */
export interface Departures {
  /** Directories that were there before cannot be renamed: EXDEV, as on other layered filesystems. */
  readonly movesNoOldDirectories?: boolean;
  /** Hard links of files that were there before do not survive a change: the layer below keeps the old file. */
  readonly breaksOldLinks?: boolean;
  /** Symbolic links have no hard links. */
  readonly linksNoSymlinks?: boolean;
  /** Names of more bytes than this cannot be removed from the layer below. */
  readonly longestOldName?: number;
  /** An open directory is found by its path, so that it is whatever has that path now. */
  readonly byPath?: boolean;
  /** Times are kept to about a microsecond: the host's calls take no more. */
  readonly microseconds?: boolean;
}

interface ContractTest {
  readonly name: string;
  readonly tree: Tree;
  readonly run: (calls: PosixCalls, departures: Departures) => void;
}

/** Tests of filesystems that can be read; none changes anything. */
export const readingContract: ContractTest[] = [];
/** Tests of filesystems that can be written too. */
export const writingContract: ContractTest[] = [];
/** Tests of filesystems that are mounted to be read only: every call that would change something is refused. */
export const refusingContract: ContractTest[] = [];

export const reading = (name: string, tree: Tree, run: ContractTest["run"]): void =>
  void readingContract.push({ name, tree, run });
export const writing = (name: string, tree: Tree, run: ContractTest["run"]): void =>
  void writingContract.push({ name, tree, run });

export const refusing = (name: string, tree: Tree, run: ContractTest["run"]): void =>
  void refusingContract.push({ name, tree, run });

/** Compares an answer with an errno by name, which a failure then shows. */
export function fails(answer: unknown, errno: number, what = ""): void {
  const shown = typeof answer === "number" && answer < 0 ? errnoName(-answer) : String(answer);
  assert.equal(shown, errnoName(errno), what);
}

/** A tree with one of each. */
export const SOME: Tree = {
  file: "content",
  empty: "",
  dir: null,
  "dir/inner": "deep",
  "dir/sub": null,
  "dir/sub/leaf": "leaf",
  link: { link: "file" },
  dirlink: { link: "dir" },
  dangling: { link: "nowhere" },
};
