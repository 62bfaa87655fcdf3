/**
 * The form of a journal: a head, the snapshot that it goes on from, and frames, one after the other.
 *
 *     0    magic: 8 bytes
 *     8    format (u32), 0 (u32), bytes of the snapshot, or 0 (f64)
 *     24   the snapshot (`api/snapshot-format.ts`), which has its own checks
 *     …    frames: bytes of the payload (u32); CRC-32 of what follows (u32); kind (u8); the payload
 *
 * Numbers are little-endian. Each frame is written at once, at the end. What follows the last whole frame was being written when the journal's machine was
 * ended: it never was.
 */
import { crc32 } from "../fs/crc32.ts";

const MAGIC = [0x89, 0x57, 0x4a, 0x4e, 0x4c, 0x0d, 0x0a, 0x1a];
const FORMAT = 1;
const HEAD = 24;
const FRAME_HEAD = 9;

/** What a frame tells. The numbers are those of stored journals: none is ever used for anything else. */
export const FrameKind = {
  /** The host program started a process: JSON. */
  begin: 1,
  /** Such a process has ended: JSON. */
  end: 2,
  /** A call: `syscalls/call-record.ts`. */
  call: 3,
  /** The host program has changed files: `api/tree-changes.ts`. */
  change: 4,
  /** Processes of the snapshot go on from it again: their calls before are made again by themselves, and count no more. JSON. */
  again: 5,
} as const;

/** One frame of a journal. */
export interface Frame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** What a journal holds. */
export interface JournalContent {
  readonly snapshot: Uint8Array<ArrayBuffer> | undefined;
  readonly frames: readonly Frame[];
  /** Where the next frame goes. */
  readonly end: number;
}

/** The head of a journal that goes on from a snapshot of so many bytes. */
export function makeJournalHead(snapshotBytes: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(HEAD);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint32(8, FORMAT, true);
  view.setFloat64(16, snapshotBytes, true);
  return head;
}

/** A frame with its head. */
export function makeFrame(kind: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEAD + payload.length);
  const view = new DataView(frame.buffer);
  frame[8] = kind;
  frame.set(payload, FRAME_HEAD);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(frame.subarray(8)), true);
  return frame;
}

/** Reads a journal. @returns what is wrong with it, where it is none */
export function readJournal(bytes: Uint8Array<ArrayBuffer>): JournalContent | string {
  if (bytes.length < HEAD || MAGIC.some((byte, index) => bytes[index] !== byte))
    return "it is no journal of a machine";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const format = view.getUint32(8, true);
  if (format !== FORMAT) return `it has format ${format}, and this build of Weft reads ${FORMAT}`;
  const size = view.getFloat64(16, true);
  if (!(size >= 0 && HEAD + size <= bytes.length)) return "its snapshot is cut off";
  let end = HEAD + size;
  const frames: Frame[] = [];
  for (;;) {
    const next =
      end + FRAME_HEAD + (end + 4 <= bytes.length ? view.getUint32(end, true) : Infinity);
    if (next > bytes.length) break;
    if (view.getUint32(end + 4, true) !== crc32(bytes.subarray(end + 8, next))) break;
    frames.push({ kind: bytes[end + 8], payload: bytes.subarray(end + FRAME_HEAD, next) });
    end = next;
  }
  return { snapshot: size === 0 ? undefined : bytes.subarray(HEAD, HEAD + size), frames, end };
}
