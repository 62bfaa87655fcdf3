/**
 * The file format of snapshots: what surrounds the content of a kernel heap, and the checks that bytes pass before anything is made of them.
 *
 *     0    magic: 8 bytes
 *     8    checksum of everything from byte 40 on (`checksum.ts`): against damage, not against forgery; 16 bytes, and 16 that are 0
 *     40   format (u32), flags (u32: 1 when the body is compressed by gzip), bytes of the body when it is not compressed (u64)
 *     56   the body: bytes of the manifest (u32); the manifest as JSON; the parts, whose sizes it tells
 *
 * Numbers are little-endian. Nothing is read beyond what the sizes allow, and no more is decompressed than the header says.
 */
import { type HeapPages, PAGE } from "../shm/index.ts";
import { checksumOf } from "./checksum.ts";
import { WeftError } from "./errors.ts";

const MAGIC = [0x89, 0x57, 0x45, 0x46, 0x54, 0x0d, 0x0a, 0x1a];
const FORMAT = 3;
const COMPRESSED = 1;
const DIGESTED = 40;
const BODY = 56;
/** Bytes at the body's start: a size. */
const SIZES = 4;
/** Ends of streams that the host program may have of a process. */
const STREAMS = 4;

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
  /** What the host program waited with for objects of the heap, likewise: pairs of a parker and its entry. */
  readonly waits: readonly number[];
  readonly programs: readonly { readonly name: string; readonly bytes: number }[];
  readonly processes: readonly ProcessManifest[];
  /** What processes have open of the host. */
  readonly places: readonly HostPlaceNote[];
  /** Pages of the heap that are in the snapshot. */
  readonly pages: number;
}

/** A process that ran. */
export interface ProcessManifest {
  /** Its record. */
  readonly process: number;
  /** Which of the programs. */
  readonly program: number;
  /** Pages of its memory, and those of them that are in the snapshot. */
  readonly size: number;
  readonly pages: number;
  readonly spawned?: SpawnedManifest;
}

/** A place of the host that a record leads to. */
export interface HostPlaceNote {
  /** What the record is: an open file, or a process whose working or root directory it is. */
  readonly kind: (typeof PLACE_KINDS)[number];
  readonly record: number;
  /** In the guest's tree. */
  readonly path: string;
  /** Who has it, for messages. */
  readonly owner: string;
}

const PLACE_KINDS = ["file", "directory", "working", "root"] as const;

/** A process that the host program started. */
export interface SpawnedManifest {
  /** What messages call it. */
  readonly name: string;
  /** The open files of the host program's ends of its three streams and of what its terminal shows, or 0. */
  readonly streams: readonly number[];
  /** The record of its terminal, with a count of the host program's, or 0. */
  readonly terminal: number;
}

/** A snapshot that was read. */
export interface Snapshot {
  readonly manifest: Manifest;
  readonly heap: HeapPages;
  /** As the manifest lists them: bytes of the programs, memories of the processes. */
  readonly programs: readonly Uint8Array<ArrayBuffer>[];
  readonly memories: readonly HeapPages[];
}

/** The sizes of a snapshot's parts, in their order: the heap's pages (numbers, bytes), programs, the memories' pages. */
function sizesOf({ pages, programs, processes }: Manifest): number[] {
  const memory = (count: number) => [count * 4, count * PAGE];
  return [
    ...memory(pages),
    ...programs.map(({ bytes }) => bytes),
    ...processes.flatMap((process) => memory(process.pages)),
  ];
}

/** Puts a manifest and its parts together. What a part is made of is read before this returns, but for the checksum. */
export function layOutSnapshot(
  manifest: Manifest,
  parts: readonly ((room: Uint8Array) => void)[],
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(manifest));
  const sizes = sizesOf(manifest);
  const start = BODY + SIZES + text.length;
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, start));
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(DIGESTED, FORMAT, true);
  view.setBigUint64(DIGESTED + 8, BigInt(bytes.length - BODY), true);
  view.setUint32(BODY, text.length, true);
  bytes.set(text, BODY + SIZES);
  let at = start;
  parts.forEach((fill, index) => {
    fill(bytes.subarray(at, at + sizes[index]));
    at += sizes[index];
  });
  return bytes;
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
  sealed.set(checksumOf(sealed.subarray(DIGESTED)), MAGIC.length);
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
  const expected = checksumOf(bytes.subarray(DIGESTED));
  if (expected.some((byte, index) => byte !== bytes[MAGIC.length + index]))
    throw refusal("the snapshot is damaged: its content is not what its checksum says");
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

function readBody(body: Uint8Array<ArrayBuffer>): Snapshot {
  if (body.length < SIZES) throw refusal("the snapshot is cut off");
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const start = SIZES + view.getUint32(0, true);
  if (start > body.length) throw refusal("the snapshot's sizes do not fit");
  const manifest = readManifest(body.subarray(SIZES, start));
  const sizes = sizesOf(manifest);
  if (sizes.reduce((sum, size) => sum + size, start) !== body.length)
    throw refusal("the snapshot's sizes do not fit");
  let at = start;
  const parts = sizes.map((size) => body.subarray(at, (at += size)));
  const takeMemory = (): HeapPages => {
    const numbers = parts.shift()!;
    const words = new DataView(numbers.buffer, numbers.byteOffset, numbers.length);
    return {
      numbers: Uint32Array.from({ length: numbers.length / 4 }, (_, index) =>
        words.getUint32(index * 4, true),
      ),
      bytes: parts.shift()!,
    };
  };
  return {
    manifest,
    heap: takeMemory(),
    programs: manifest.programs.map(() => parts.shift()!),
    memories: manifest.processes.map(takeMemory),
  };
}

/** Reads the manifest, whose fields may be of any type. */
function readManifest(text: Uint8Array): Manifest {
  let given: Partial<Record<keyof Manifest, unknown>>;
  try {
    given = JSON.parse(new TextDecoder().decode(text)) as typeof given;
  } catch (cause) {
    throw refusal("the snapshot's manifest is no JSON", cause);
  }
  const { shapes, clock, mounts, furtherCalls, carriers, files, waits, pages } = given ?? {};
  const { programs, processes, places } = given ?? {};
  const isSound =
    typeof shapes === "object" &&
    shapes !== null &&
    typeof clock === "number" &&
    Number.isFinite(clock) &&
    typeof mounts === "boolean" &&
    typeof furtherCalls === "boolean" &&
    isAddresses(carriers) &&
    isAddresses(files) &&
    isAddresses(waits) &&
    isCount(pages) &&
    isList(places, isPlace) &&
    isList(programs, isProgram) &&
    isList(processes, (process) => isProcess(process, (programs as unknown[]).length));
  if (!isSound) throw refusal("the snapshot's manifest lacks what belongs there");
  return {
    shapes: shapes as Record<string, number>,
    clock,
    mounts,
    furtherCalls,
    carriers,
    files,
    waits,
    pages,
    places: places as Manifest["places"],
    programs: programs as Manifest["programs"],
    processes: processes as Manifest["processes"],
  };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

function isAddress(value: unknown): value is number {
  return isCount(value) && value > 0 && value % 32 === 0;
}

function isList(list: unknown, isMember: (member: Record<string, unknown>) => boolean): boolean {
  return (
    Array.isArray(list) &&
    list.every(
      (each: unknown) =>
        typeof each === "object" && each !== null && isMember(each as Record<string, unknown>),
    )
  );
}

function isAddresses(list: unknown): list is number[] {
  return Array.isArray(list) && list.every(isAddress);
}

function isPlace({ kind, record, path, owner }: Record<string, unknown>): boolean {
  const isKind = PLACE_KINDS.some((known) => known === kind);
  return isKind && isAddress(record) && typeof path === "string" && typeof owner === "string";
}

function isProgram({ name, bytes }: Record<string, unknown>): boolean {
  return typeof name === "string" && isCount(bytes);
}

function isProcess(
  { process, program, size, pages, spawned }: Record<string, unknown>,
  programs: number,
): boolean {
  const isSpawned = ({ name, streams, terminal }: Record<string, unknown>) =>
    typeof name === "string" &&
    Array.isArray(streams) &&
    streams.length === STREAMS &&
    [...(streams as unknown[]), terminal].every((record) => record === 0 || isAddress(record));
  return (
    isAddress(process) &&
    isCount(program) &&
    program < programs &&
    isCount(size) &&
    isCount(pages) &&
    (spawned === undefined || isList([spawned], isSpawned))
  );
}

/** The error for a snapshot that cannot be taken or restored. */
export function refusal(message: string, cause?: unknown): WeftError {
  return new WeftError("ERR_SNAPSHOT", message, cause === undefined ? {} : { cause });
}

async function decompress(
  bytes: Uint8Array<ArrayBuffer>,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
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
async function gather(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
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
