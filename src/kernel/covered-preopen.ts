/**
 * Preopened directories whose numbers stand for something else.
 *
 * The WASIX C library passes every path with its slash and with the number of the preopened directory that it learned at its start. POSIX programs know nothing of that
 * number and take it for files of their own (`exec 3>file` in a shell). The directory then stays behind the number: absolute paths go by it, and a program that
 * begins and asks finds it (`fd_prestat_get`). When the file at the number is closed, the directory is there again.
 *
 * Life: made when a number is first taken, with a count of the directory's open file; freed with the file table. Lock: the table's for changes; who only looks takes
 * none, as records stay in their list.
 */
import { address, layout, u32, type KernelMemory } from "../shm/index.ts";
import { keepFile } from "../vfs/index.ts";
import type { DescriptorRights } from "./file-entry.ts";

export const CoveredPreopen = layout("CoveredPreopen", {
  next: address,
  /** Immutable, like the file. */
  fd: u32,
  file: address,
  /** The rights of the descriptor when it was covered last. */
  rightsLow: u32,
  rightsHigh: u32,
  inheritingLow: u32,
  inheritingHigh: u32,
});

/** The record of a descriptor in a list, or 0. */
export function findCovered(memory: KernelMemory, first: number, fd: number): number {
  let covered = first;
  while (covered !== 0 && CoveredPreopen.fd.get(memory, covered) !== fd)
    covered = CoveredPreopen.next.get(memory, covered);
  return covered;
}

/** Makes a record for the front of a list, with a count of the file; 0 when the kernel heap is full. */
export function makeCovered(
  memory: KernelMemory,
  first: number,
  fd: number,
  file: number,
  rights: DescriptorRights,
): number {
  const covered = CoveredPreopen.allocate(memory);
  if (covered === 0) return 0;
  CoveredPreopen.next.set(memory, covered, first);
  CoveredPreopen.fd.set(memory, covered, fd);
  CoveredPreopen.file.set(memory, covered, keepFile(memory, file));
  setCoveredRights(memory, covered, rights);
  return covered;
}

/** Notes the rights of a descriptor that is covered. */
export function setCoveredRights(
  memory: KernelMemory,
  covered: number,
  { low, high, inheritingLow, inheritingHigh }: DescriptorRights,
): void {
  CoveredPreopen.rightsLow.set(memory, covered, low);
  CoveredPreopen.rightsHigh.set(memory, covered, high);
  CoveredPreopen.inheritingLow.set(memory, covered, inheritingLow);
  CoveredPreopen.inheritingHigh.set(memory, covered, inheritingHigh);
}

/** The rights that were noted. */
export function coveredRights(memory: KernelMemory, covered: number): DescriptorRights {
  return {
    low: CoveredPreopen.rightsLow.get(memory, covered),
    high: CoveredPreopen.rightsHigh.get(memory, covered),
    inheritingLow: CoveredPreopen.inheritingLow.get(memory, covered),
    inheritingHigh: CoveredPreopen.inheritingHigh.get(memory, covered),
  };
}
