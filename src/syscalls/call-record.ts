/**
 * Call records: calls of guests as a journal keeps them, so that they can be made again on another machine: who made which call, when, with what arguments and
 * the bytes that those led to, and what it answered.
 *
 * As bytes, numbers little-endian: pid, parent's pid, tid (u32 each); time (f64); arguments and their number (u8, i64 each); what was given: number (u8), for each
 * the parameter (u8), its length (u32), its bytes; answers: number (u8), for each the parameter (u8) and a number (f64); the rest is the call's name.
 */

export interface CallRecord {
  readonly pid: number;
  /** The parent of the process, or 0. */
  readonly parent: number;
  readonly tid: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** "module.name". */
  readonly call: string;
  readonly args: readonly bigint[];
  /** The bytes that pointers led to, by the number of the parameter. */
  readonly given: ReadonlyMap<number, Uint8Array>;
  /** What the call wrote behind pointers, where that is a number. */
  readonly answers: ReadonlyMap<number, number>;
}

/** Bytes before the arguments, and those of an argument, of what stands before given bytes, and of an answer. */
const HEAD = 21;
const ARGUMENT = 8;
const GIVEN = 5;
const ANSWER = 9;

/** A record as bytes. */
export function encodeCall(record: CallRecord): Uint8Array<ArrayBuffer> {
  const { args, given, answers } = record;
  const name = new TextEncoder().encode(record.call);
  let size = HEAD + args.length * ARGUMENT + 2 + answers.size * ANSWER + name.length;
  for (const bytes of given.values()) size += GIVEN + bytes.length;
  const all = new Uint8Array(size);
  const view = new DataView(all.buffer);
  view.setUint32(0, record.pid, true);
  view.setUint32(4, record.parent, true);
  view.setUint32(8, record.tid, true);
  view.setFloat64(12, record.time, true);
  all[HEAD - 1] = args.length;
  let at = HEAD;
  for (const argument of args) {
    view.setBigInt64(at, argument, true);
    at += ARGUMENT;
  }
  all[at++] = given.size;
  for (const [parameter, bytes] of given) {
    all[at] = parameter;
    view.setUint32(at + 1, bytes.length, true);
    all.set(bytes, at + GIVEN);
    at += GIVEN + bytes.length;
  }
  all[at++] = answers.size;
  for (const [parameter, value] of answers) {
    all[at] = parameter;
    view.setFloat64(at + 1, value, true);
    at += ANSWER;
  }
  all.set(name, at);
  return all;
}

/** Reads one. @throws RangeError where it is cut off */
export function decodeCall(bytes: Uint8Array): CallRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = HEAD;
  const args = Array.from({ length: view.getUint8(HEAD - 1) }, () => {
    at += ARGUMENT;
    return view.getBigInt64(at - ARGUMENT, true);
  });
  const given = new Map<number, Uint8Array>();
  for (let left = view.getUint8(at++); left > 0; left--) {
    const length = view.getUint32(at + 1, true);
    if (at + GIVEN + length > bytes.length) throw new RangeError("a call's bytes are cut off");
    given.set(view.getUint8(at), bytes.slice(at + GIVEN, at + GIVEN + length));
    at += GIVEN + length;
  }
  const answers = new Map<number, number>();
  for (let left = view.getUint8(at++); left > 0; left--) {
    answers.set(view.getUint8(at), view.getFloat64(at + 1, true));
    at += ANSWER;
  }
  return {
    pid: view.getUint32(0, true),
    parent: view.getUint32(4, true),
    tid: view.getUint32(8, true),
    time: view.getFloat64(12, true),
    call: new TextDecoder().decode(bytes.subarray(at)),
    args,
    given,
    answers,
  };
}
