/** The one contract of filesystems, run against each of them. */
import test from "node:test";
import { readingContract, writingContract } from "../support/filesystem-contract.ts";
import {
  hostByPathSubject,
  hostSubject,
  memorySubject,
  onSubject,
} from "../support/filesystem-subjects.ts";

for (const subject of [memorySubject, hostSubject, hostByPathSubject]) {
  for (const { name, tree, run } of [...readingContract, ...writingContract]) {
    test(`${subject.name}: ${name}`, () => {
      onSubject(subject, tree, (calls) => run(calls, subject.departures ?? {}));
    });
  }
}
