/**
 * Waiting for many things at once: `poll_oneoff`.
 *
 * Subscriptions are read once, at the start. A descriptor that cannot be waited for is an event with an errno, and the call does not sleep. A
 * relative timeout of 0 has passed at once, as poll(2) needs it.
 */
import { Errno } from "../abi/errno.ts";
import { Clockid, Eventtype } from "../abi/enums.ts";
import { Eventrwflags, Rights, Subclockflags } from "../abi/flags.ts";
import type { SubscriptionSnapshot0 } from "../abi/snapshot0-layouts.ts";
import { Event, Subscription } from "../abi/layouts.ts";
import { dropFile, EVERY_READINESS, Readiness, WOULD_BLOCK } from "../vfs/index.ts";
import { FOREVER, type Outcome, type Waiting, waitOnFiles } from "./block.ts";
import type { SyscallContext } from "./context.ts";

/** Most subscriptions of a call. */
const MOST_SUBSCRIPTIONS = 4096;

/** Where the fields of a subscription lie: the two snapshots differ. */
type SubscriptionLayout = Pick<
  typeof Subscription | typeof SubscriptionSnapshot0,
  | "$size"
  | "userdata"
  | "tag"
  | "clock_id"
  | "clock_timeout"
  | "clock_flags"
  | "fd_read_file_descriptor"
>;

/** What is waited for. */
interface Wanted {
  userdataLow: number;
  userdataHigh: number;
  type: number;
  /** Why it cannot be waited for, or 0. */
  error: number;
  /** The open file, with a count, or 0. */
  file: number;
  /** On the monotonic clock, in milliseconds. */
  deadline: number;
  /** A point in time of the wall clock, in nanoseconds: it may be set meanwhile, so `deadline` is only when to look at it. */
  byWallClock: boolean;
  timeLow: number;
  timeHigh: number;
}

/**
 * Waits until one of the subscriptions has something to say, and writes the events in the order of the subscriptions and their number. EINVAL for no or
 * more than 4096 subscriptions, EINTR after a signal handler.
 */
export function poll_oneoff(
  context: SyscallContext,
  input: number,
  output: number,
  count: number,
  result: number,
): Outcome {
  return poll(context, Subscription, input, output, count >>> 0, result);
}

/** The same with the subscriptions of a snapshot. */
export function poll(
  context: SyscallContext,
  layout: SubscriptionLayout,
  input: number,
  output: number,
  count: number,
  result: number,
): Outcome {
  const { guest } = context;
  if (count === 0 || count > MOST_SUBSCRIPTIONS) return Errno.EINVAL;
  if (!guest.has(input, count * layout.$size) || !guest.has(output, count * Event.$size)) {
    return Errno.EMEMVIOLATION;
  }
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const wanted: Wanted[] = [];
  let events = 0;
  try {
    for (let index = 0; index < count; index++) {
      wanted.push(readSubscription(context, layout, (input >>> 0) + index * layout.$size));
    }
    events = writeEvents(context, wanted, output);
  } finally {
    if (events !== 0) dropFiles(context, wanted);
  }
  if (events === 0) return context.wait(pollLater(context, wanted, output, result));
  guest.setPointer(result, events);
  return 0;
}

/** Goes on with a poll that found nothing. Takes over the counts of the files. */
function* pollLater(
  context: SyscallContext,
  wanted: readonly Wanted[],
  output: number,
  result: number,
): Waiting<number> {
  try {
    const files = wanted.map(({ file }) => file).filter((file) => file !== 0);
    let events = 0;
    while (events === 0) {
      const deadline = firstDeadline(context, wanted);
      const ended = yield* waitOnFiles(context, files, EVERY_READINESS, deadline, () => {
        events = writeEvents(context, wanted, output);
        return events > 0 ? 0 : WOULD_BLOCK;
      });
      if (ended !== 0 && ended !== Errno.ETIMEDOUT) return ended;
      if (ended === Errno.ETIMEDOUT) events = writeEvents(context, wanted, output, deadline);
    }
    context.guest.setPointer(result, events);
    return 0;
  } finally {
    dropFiles(context, wanted);
  }
}

function dropFiles({ vfs }: SyscallContext, wanted: readonly Wanted[]): void {
  for (const { file } of wanted) if (file !== 0) dropFile(vfs, file);
}

function readSubscription(context: SyscallContext, layout: SubscriptionLayout, at: number): Wanted {
  const { guest } = context;
  const { view } = guest;
  const wanted: Wanted = {
    userdataLow: view.getUint32(at + layout.userdata, true),
    userdataHigh: view.getUint32(at + layout.userdata + 4, true),
    type: guest.u8[at + layout.tag],
    error: 0,
    file: 0,
    deadline: FOREVER,
    byWallClock: false,
    timeLow: 0,
    timeHigh: 0,
  };
  if (wanted.type === Eventtype.CLOCK) readClock(context, layout, at, wanted);
  else if (wanted.type === Eventtype.FD_READ || wanted.type === Eventtype.FD_WRITE) {
    const fd = view.getUint32(at + layout.fd_read_file_descriptor, true);
    const file = context.lookup(fd, Rights.POLL_FD_READWRITE);
    if (file < 0) wanted.error = -file;
    else wanted.file = file;
  } else wanted.error = Errno.EINVAL;
  return wanted;
}

function readClock(
  context: SyscallContext,
  layout: SubscriptionLayout,
  at: number,
  wanted: Wanted,
): void {
  const { view } = context.guest;
  const id = view.getUint32(at + layout.clock_id, true);
  const low = view.getUint32(at + layout.clock_timeout, true);
  const high = view.getUint32(at + layout.clock_timeout + 4, true);
  const flags = view.getUint16(at + layout.clock_flags, true);
  if (id !== Clockid.REALTIME && id !== Clockid.MONOTONIC) {
    // As clock_nanosleep(2): the clocks of processor time cannot be waited for here.
    wanted.error = id > Clockid.THREAD_CPUTIME_ID ? Errno.EINVAL : Errno.ENOTSUP;
    return;
  }
  const absolute = (flags & Subclockflags.SUBSCRIPTION_CLOCK_ABSTIME) !== 0;
  wanted.byWallClock = absolute && id === Clockid.REALTIME;
  wanted.timeLow = low;
  wanted.timeHigh = high;
  wanted.deadline = (absolute ? 0 : context.beginWait()) + toMilliseconds(low, high);
}

function toMilliseconds(low: number, high: number): number {
  return (high * 2 ** 32 + low) / 1e6;
}

/** When to look at the clock of a subscription, on the monotonic clock in milliseconds. */
function deadlineOf(context: SyscallContext, wanted: Wanted): number {
  if (!wanted.byWallClock) return wanted.deadline;
  const { clock } = context.kernel;
  clock.readRealtime();
  const left = wanted.deadline - toMilliseconds(clock.low, clock.high);
  return clock.monotonicMilliseconds() + left;
}

/** Whether the time of a clock's subscription has come; `now` is the monotonic clock's. */
function isDue(context: SyscallContext, wanted: Wanted, now: number): boolean {
  if (!wanted.byWallClock) return wanted.deadline <= now;
  const { clock } = context.kernel;
  clock.readRealtime();
  const { timeLow, timeHigh } = wanted;
  return clock.high > timeHigh || (clock.high === timeHigh && clock.low >= timeLow);
}

/** The first deadline, on the monotonic clock in milliseconds. */
function firstDeadline(context: SyscallContext, wanted: readonly Wanted[]): number {
  let deadline = FOREVER;
  for (const want of wanted) deadline = Math.min(deadline, deadlineOf(context, want));
  return deadline;
}

/** Writes an event for each subscription that has one; their number. `passed` is a deadline known to have passed. */
function writeEvents(
  context: SyscallContext,
  wanted: readonly Wanted[],
  output: number,
  passed = 0,
): number {
  const { guest } = context;
  // Memory that another thread grew may be beyond the views by now.
  guest.has(output, wanted.length * Event.$size);
  const now = Math.max(passed, context.kernel.clock.monotonicMilliseconds());
  let events = 0;
  for (const want of wanted) {
    const at = (output >>> 0) + events * Event.$size;
    if (want.error !== 0) writeEvent(context, at, want, 0, 0);
    else if (want.file !== 0) {
      if (!writeReadiness(context, at, want)) continue;
    } else if (isDue(context, want, now)) writeEvent(context, at, want, 0, 0);
    else continue;
    events++;
  }
  return events;
}

function writeReadiness(context: SyscallContext, at: number, want: Wanted): boolean {
  const { vfs } = context;
  const operations = vfs.operationsOf(want.file);
  const ready = operations.readiness(vfs, want.file);
  const reads = want.type === Eventtype.FD_READ;
  const wish = (reads ? Readiness.read : Readiness.write) | Readiness.hangup | Readiness.error;
  if ((ready & wish) === 0) return false;
  // The other end is gone: the ABI has one flag for it, whichever end this is.
  const gone = (ready & (Readiness.hangup | Readiness.error)) !== 0;
  const bytes = reads ? operations.available(vfs, want.file) : 0;
  writeEvent(context, at, want, bytes, gone ? Eventrwflags.FD_READWRITE_HANGUP : 0);
  return true;
}

function writeEvent(
  context: SyscallContext,
  at: number,
  want: Wanted,
  bytes: number,
  flags: number,
): void {
  const { guest } = context;
  guest.setU64(at + Event.userdata, want.userdataLow, want.userdataHigh);
  guest.setU64(at + Event.error, want.error | (want.type << 16), 0);
  guest.setSize(at + Event.fd_readwrite_nbytes, bytes);
  guest.setU64(at + Event.fd_readwrite_flags, flags, 0);
}
