/**
 * The file format of snapshots: what surrounds the content of a kernel heap, and the checks that bytes pass before anything is made of them.
 *
 *     0    magic: 8 bytes
 *     8    SHA-256 of everything from byte 40 on: against damage, not against forgery
 *     40   format (u32), flags (u32: 1 when the body is compressed by gzip), bytes of the body when it is not compressed (u64)
 *     56   the body: bytes of the manifest, number of pages (u32 each); the pages' numbers (u32 each); the manifest as JSON; the pages
 *
 * Numbers are little-endian. Nothing is read beyond what the sizes allow, and no more is decompressed than the header says.
 */
import { type HeapPages, PAGE } from "../shm/index.ts";
import { WeftError } from "./errors.ts";

const MAGIC = [0x89, 0x57, 0x45, 0x46, 0x54, 0x0d, 0x0a, 0x1a];
const FORMAT = 1;
const COMPRESSED = 1;
const DIGESTED = 40;
const BODY = 56;
/** Bytes at the body's start: two sizes. */
const SIZES = 8;

/** What a snapshot says besides its heap. */
export interface Manifest {
  /** How records are laid out, by kind: a hash. */
  readonly shapes: Readonly<Record<string, number>>;
  /** The machine's monotonic clock in milliseconds. */
  readonly clock: number;
  /** Which parts the restoring machine needs. */
  readonly mounts: boolean;
  readonly furtherCalls: boolean;
  /** Records that belonged to workers, and open files that the host program held: nobody has them any more. */
  readonly carriers: readonly number[];
  readonly files: readonly number[];
}

export interface Snapshot {
  readonly manifest: Manifest;
  readonly heap: HeapPages;
}

/** Bytes with room for a snapshot, and where its pages go. */
export interface SnapshotRoom {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pages: Uint8Array;
}

/** Lays out a snapshot: everything but the pages and the digest. */
export function layOutSnapshot(manifest: Manifest, numbers: Uint32Array): SnapshotRoom {
  const text = new TextEncoder().encode(JSON.stringify(manifest));
  const start = BODY + SIZES + numbers.length * 4 + text.length;
  const bytes = new Uint8Array(start + numbers.length * PAGE);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(DIGESTED, FORMAT, true);
  view.setBigUint64(DIGESTED + 8, BigInt(bytes.length - BODY), true);
  view.setUint32(BODY, text.length, true);
  view.setUint32(BODY + 4, numbers.length, true);
  numbers.forEach((page, index) => view.setUint32(BODY + SIZES + index * 4, page, true));
  bytes.set(text, BODY + SIZES + numbers.length * 4);
  return { bytes, pages: bytes.subarray(start) };
}

/** Makes a laid out snapshot with its pages whole. */
export async function sealSnapshot(
  bytes: Uint8Array<ArrayBuffer>,
  compress: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  let sealed = bytes;
  if (compress) {
    const body = await gather(
      through(bytes.subarray(BODY), new CompressionStream("gzip")),
      Infinity,
    );
    sealed = new Uint8Array(BODY + body.length);
    sealed.set(bytes.subarray(0, BODY));
    sealed.set(body, BODY);
    new DataView(sealed.buffer).setUint32(DIGESTED + 4, COMPRESSED, true);
  }
  sealed.set(await digest(sealed), MAGIC.length);
  return sealed;
}

/**
 * Reads a snapshot.
 *
 * @param limit bytes that the machine's kernel memory may have, where that was said
 * @throws WeftError with code ERR_SNAPSHOT that says what is wrong with the bytes
 */
export async function readSnapshot(
  bytes: Uint8Array<ArrayBuffer>,
  limit: number | undefined,
): Promise<Snapshot> {
  if (bytes.length < BODY || MAGIC.some((byte, index) => bytes[index] !== byte))
    throw refusal("these bytes are no snapshot of a machine");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const format = view.getUint32(DIGESTED, true);
  if (format !== FORMAT)
    throw refusal(`the snapshot has format ${format}, and this build of Weft reads ${FORMAT}`);
  const expected = await digest(bytes);
  if (expected.some((byte, index) => byte !== bytes[MAGIC.length + index]))
    throw refusal("the snapshot is damaged: its content is not what its digest says");
  const length = Number(view.getBigUint64(DIGESTED + 8, true));
  if (limit !== undefined && length > limit + 2 ** 24)
    throw refusal(
      `the snapshot holds ${length} bytes, and the kernel may have ${limit} (option maxKernelMemory)`,
    );
  const isCompressed = (view.getUint32(DIGESTED + 4, true) & COMPRESSED) !== 0;
  const body = isCompressed ? await decompress(bytes.subarray(BODY), length) : bytes.subarray(BODY);
  if (body.length !== length) throw refusal("the snapshot is cut off");
  return readBody(body);
}

function readBody(body: Uint8Array): Snapshot {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body.length < SIZES) throw refusal("the snapshot is cut off");
  const textLength = view.getUint32(0, true);
  const count = view.getUint32(4, true);
  const text = SIZES + count * 4;
  const pages = text + textLength;
  if (pages + count * PAGE !== body.length) throw refusal("the snapshot's sizes do not fit");
  const numbers = Uint32Array.from({ length: count }, (_, index) =>
    view.getUint32(SIZES + index * 4, true),
  );
  const manifest = readManifest(body.subarray(text, pages));
  return { manifest, heap: { numbers, bytes: body.subarray(pages) } };
}

/** Reads the manifest, whose fields may be of any type. */
function readManifest(text: Uint8Array): Manifest {
  let given: Partial<Record<keyof Manifest, unknown>>;
  try {
    given = JSON.parse(new TextDecoder().decode(text)) as typeof given;
  } catch (cause) {
    throw refusal("the snapshot's manifest is no JSON", cause);
  }
  const { shapes, clock, mounts, furtherCalls, carriers, files } = given ?? {};
  const isSound =
    typeof shapes === "object" &&
    shapes !== null &&
    typeof clock === "number" &&
    Number.isFinite(clock) &&
    typeof mounts === "boolean" &&
    typeof furtherCalls === "boolean" &&
    isAddresses(carriers) &&
    isAddresses(files);
  if (!isSound) throw refusal("the snapshot's manifest lacks what belongs there");
  return {
    shapes: shapes as Record<string, number>,
    clock,
    mounts,
    furtherCalls,
    carriers,
    files,
  };
}

function isAddresses(list: unknown): list is number[] {
  return (
    Array.isArray(list) &&
    list.every((each) => Number.isInteger(each) && each > 0 && each < 2 ** 32 && each % 32 === 0)
  );
}

export function refusal(message: string, cause?: unknown): WeftError {
  return new WeftError("ERR_SNAPSHOT", message, cause === undefined ? {} : { cause });
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  // Only pages that came by an unencrypted connection lack it.
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined)
    throw new WeftError("ERR_HOST", "snapshots need a secure page: crypto.subtle is missing");
  return new Uint8Array(await subtle.digest("SHA-256", bytes.subarray(DIGESTED)));
}

async function decompress(bytes: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array> {
  try {
    return await gather(through(bytes, new DecompressionStream("gzip")), most);
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw refusal("the snapshot cannot be decompressed", cause);
  }
}

function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream().pipeThrough(stream);
}

/** All bytes of a stream. @throws WeftError where they are more than `most` */
async function gather(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > most) {
      void reader.cancel();
      throw refusal("the snapshot holds more than it says");
    }
    chunks.push(next.value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
