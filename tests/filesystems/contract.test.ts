/** The one contract of filesystems, run against each of them. */
import test from "node:test";
import {
  readingContract,
  refusingContract,
  writingContract,
} from "../support/filesystem-contract/index.ts";
import {
  hostByPathSubject,
  hostSubject,
  memorySubject,
  onSubject,
  overlayAboveSubject,
  overlayOnHostSubject,
  overlayOverMemorySubject,
  overlayReadOnlySubject,
  overlayOverArchivesSubject,
  overlaySpreadSubject,
  hostReadOnlySubject,
  keptSubject,
  memoryReadOnlySubject,
  type Subject,
  tarSubject,
  userSubject,
  zipStoredSubject,
  zipSubject,
} from "../support/filesystem-subjects.ts";

const writable: readonly Subject[] = [
  memorySubject,
  keptSubject,
  hostSubject,
  hostByPathSubject,
  overlayOverMemorySubject,
  overlayAboveSubject,
  overlaySpreadSubject,
  overlayOnHostSubject,
  overlayOverArchivesSubject,
];
const readOnly: readonly Subject[] = [
  memoryReadOnlySubject,
  hostReadOnlySubject,
  overlayReadOnlySubject,
  tarSubject,
  zipSubject,
  zipStoredSubject,
  userSubject,
];

for (const subject of [...writable, ...readOnly]) {
  const tests = readOnly.includes(subject)
    ? [...readingContract, ...refusingContract]
    : [...readingContract, ...writingContract];
  for (const { name, tree, run } of tests) {
    test(`${subject.name}: ${name}`, () => {
      onSubject(subject, tree, (calls) => run(calls, subject.departures ?? {}));
    });
  }
}
