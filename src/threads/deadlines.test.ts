import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../../tests/support/kernel-random.ts";
import { Deadlines } from "./deadlines.ts";

interface Named {
  name: number;
  sleep: number;
}

test("sleepers come out in the order of their deadlines, each once, those that woke early not at all", () => {
  const random = new Random(7);
  const deadlines = new Deadlines<Named>();
  const expected: { time: number; name: number }[] = [];
  for (let name = 0; name < 5000; name++) {
    const sleeper = { name, sleep: 0 };
    const time = random.below(1000);
    deadlines.add(time, sleeper);
    if (random.oneIn(3)) sleeper.sleep++;
    else expected.push({ time, name });
  }
  const times = expected.map(({ time }) => time).sort((one, other) => one - other);
  assert.equal(deadlines.first(), times[0]);
  const names = new Set<number>();
  for (const time of times) {
    assert.equal(deadlines.takeDue(time - 1), undefined);
    const sleeper = deadlines.takeDue(time);
    assert.ok(sleeper !== undefined && !names.has(sleeper.name));
    names.add(sleeper.name);
  }
  assert.deepEqual([...names].sort(), expected.map(({ name }) => name).sort());
  assert.equal(deadlines.first(), Infinity);
  assert.equal(deadlines.takeDue(Infinity), undefined);
});
