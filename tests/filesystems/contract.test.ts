/** The one contract of filesystems, run against each of them. */
import test from "node:test";
import { readingContract, writingContract } from "../support/filesystem-contract.ts";
import {
  hostByPathSubject,
  hostSubject,
  memorySubject,
  onSubject,
  overlayAboveSubject,
  overlayOnHostSubject,
  overlayOverMemorySubject,
  overlayReadOnlySubject,
  overlaySpreadSubject,
  type Subject,
} from "../support/filesystem-subjects.ts";

const writable: readonly Subject[] = [
  memorySubject,
  hostSubject,
  hostByPathSubject,
  overlayOverMemorySubject,
  overlayAboveSubject,
  overlaySpreadSubject,
  overlayOnHostSubject,
];
const readOnly: readonly Subject[] = [overlayReadOnlySubject];

for (const subject of [...writable, ...readOnly]) {
  const tests = readOnly.includes(subject)
    ? readingContract
    : [...readingContract, ...writingContract];
  for (const { name, tree, run } of tests) {
    test(`${subject.name}: ${name}`, () => {
      onSubject(subject, tree, (calls) => run(calls, subject.departures ?? {}));
    });
  }
}
