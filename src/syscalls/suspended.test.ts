import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { Eventtype } from "../abi/enums.ts";
import { Subscription } from "../abi/layouts.ts";
import { abandonWaits, Thread } from "../kernel/index.ts";
import { Parked } from "../shm/index.ts";
import type { StackPort } from "./port.ts";

// A call that waits on a suspended stack which is lost with its agent: what it holds is given back in its place. The fixture checks that nothing is left.

/** Stacks of which each is suspended at its first sleep and never resumed. */
function loseStacks(fixture: SyscallFixture): void {
  const { context } = fixture;
  const refuse = () => assert.fail("only waits are expected");
  const stacks: StackPort = {
    canSuspend: true,
    hasOthers: () => false,
    pass: refuse,
    waitRaw: refuse,
    switchContext: refuse,
    forgetContext: refuse,
    finishLater: refuse,
    handleFirst: refuse,
    suspend: (waiting) => {
      assert.equal(waiting.next().done, false);
      context.leave();
      return new Promise(() => {});
    },
  };
  context.stacks = stacks;
}

function lose(what: string, begin: (fixture: SyscallFixture, result: number) => unknown): void {
  test(
    what,
    withProcess((fixture) => {
      loseStacks(fixture);
      assert.ok(begin(fixture, fixture.reserve(64)) instanceof Promise);
      const { kernel, memory } = fixture.context;
      abandonWaits(kernel, fixture.thread);
      assert.equal(Thread.word.load(memory, fixture.thread), Parked.woken);
      fixture.context.stacks = undefined;
    }),
  );
}

/** The reader of a new pipe, whose writer stays open. */
function openReader(fixture: SyscallFixture): number {
  const result = fixture.reserve(8);
  fixture.do("fd_pipe", result, result + 4);
  return fixture.u32(result);
}

lose("a read", (fixture, result) =>
  fixture.call("fd_read", openReader(fixture), ...fixture.buffers([result + 16, 8]), result),
);

lose("a poll of two descriptors, one of them twice", (fixture, result) => {
  const one = openReader(fixture);
  const fds = [one, openReader(fixture), one];
  const at = fixture.reserve(fds.length * Subscription.$size);
  for (const [index, fd] of fds.entries()) {
    const own = at + index * Subscription.$size;
    fixture.guest.u8[own + Subscription.tag] = Eventtype.FD_READ;
    fixture.guest.view.setUint32(own + Subscription.fd_read_file_descriptor, fd, true);
  }
  return fixture.call("poll_oneoff", at, fixture.reserve(256), fds.length, result);
});

lose("a futex wait", (fixture, result) =>
  fixture.call("futex_wait", result, 0, result + 16, result + 8),
);

lose("a sleep", (fixture) => fixture.call("thread_sleep", 10n ** 12n));
