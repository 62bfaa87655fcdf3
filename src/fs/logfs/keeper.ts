/**
 * Keeper: puts what the journal notes into the store. One agent does so for a mount, which may sleep and has the store's logs for itself.
 *
 * It sleeps until something is noted, waits a little for more unless somebody wants to know it safe, and writes it all as one batch; it flushes the log where
 * somebody waits for that. When the log has become long it writes an image (`image.ts`) to the other one, while changes go to both.
 *
 * A store that fails is told of once; what was noted waits in the heap, and each further batch tries again. Meanwhile programs cannot make files larger.
 */
import { Errno } from "../../abi/errno.ts";
import { hushBell, type KernelMemory, waitForBell, waitWhile, wakeQueue } from "../../shm/index.ts";
import { Mount, type Vfs } from "../../vfs/index.ts";
import { TmpfsTree } from "../tmpfs/tree.ts";
import { Image } from "./image.ts";
import { type Batch, chunkBytes, freeChunks, Journal, takeBatchLocked } from "./journal.ts";
import { BatchKind, type LogFile, makeBatchHead } from "./log.ts";

/** How long changes wait for more, in milliseconds: they are safe that much later when nobody asks. */
const GATHER = 5;
/** A log of this size is not long, in bytes. */
const SHORT_LOG = 4 * 2 ** 20;

function isLongLog(end: number, imageEnd: number): boolean {
  return end > 2 * imageEnd + SHORT_LOG;
}

/** Where the logs of a store stand. */
export interface LogState {
  /** Which of the two logs is meant: 0 or 1. */
  readonly current: number;
  readonly generation: number;
  /** Batches in it. */
  readonly batches: number;
  /** Where the next goes. */
  readonly end: number;
  readonly imageEnd: number;
}

/** Writes batches to one log. */
class LogWriter {
  constructor(
    readonly file: LogFile,
    readonly generation: number,
    private batches = 0,
    /** Where the next batch goes. */
    public end = 0,
    /** How long the log was when its image was complete. */
    public imageEnd = 0,
  ) {}

  /** Cuts off what follows the last batch: what was left of one that was torn must never be taken for another. */
  cut(): void {
    if (this.file.getSize() > this.end) this.file.truncate(this.end);
  }

  /** Adds a batch. @throws what the store does; then the log is to be cut before the next */
  append(kind: number, pieces: readonly Uint8Array[]): void {
    const head = makeBatchHead(kind, this.generation, this.batches + 1, pieces);
    let at = this.end;
    for (const piece of [head, ...pieces]) {
      for (let done = 0; done < piece.length;) {
        const wrote = this.file.write(piece.subarray(done), { at: at + done });
        if (!(wrote > 0)) throw new Error("the store takes no more");
        done += wrote;
      }
      at += piece.length;
    }
    this.batches++;
    this.end = at;
    if (kind === BatchKind.complete) this.imageEnd = at;
  }
}

export class Keeper {
  private readonly memory: KernelMemory;
  private readonly journal: number;
  private log: LogWriter;
  /** What was taken from the journal and is not in the log yet, the oldest first. */
  private readonly waiting: Batch[] = [];
  /** The last batch that is in the log. */
  private written = 0;
  private isNew: boolean;
  /** Whether there may be something behind the log's last batch. */
  private isTorn = true;
  private hasFailed = false;

  /**
   * @param onFailure gets what the store failed with, once until it works again
   * @param isLong whether a log whose image ends at a place has become long
   */
  constructor(
    private readonly vfs: Vfs,
    private readonly mount: number,
    private readonly files: readonly [LogFile, LogFile],
    { current, generation, batches, end, imageEnd }: LogState,
    private readonly onFailure: (cause: unknown) => void,
    private readonly isLong = isLongLog,
  ) {
    this.memory = vfs.memory;
    this.journal = TmpfsTree.journal.get(this.memory, Mount.state.get(this.memory, mount));
    this.isNew = generation === 0;
    this.log = new LogWriter(files[current], generation, batches, end, imageEnd);
  }

  /** Keeps until the journal is closed; then everything is safe in the store, unless that fails. Sleeps. */
  serve(): void {
    const { memory, journal } = this;
    const bell = Journal.bell.at(journal);
    for (;;) {
      const isClosing = Journal.isClosing.load(memory, journal) !== 0;
      this.turn();
      if (isClosing) break;
      hushBell(memory, bell);
      if (this.hasWork()) continue;
      waitForBell(memory, bell, Infinity);
      this.gather();
    }
    this.abandon();
    for (const file of this.files) file.close();
  }

  /** Lets go of what could not be written: at the end. */
  abandon(): void {
    for (const { chunks } of this.waiting.splice(0)) freeChunks(this.memory, this.journal, chunks);
  }

  /** Does what there is to do now. */
  turn(): void {
    const { memory, journal } = this;
    memory.refreshIfGrown();
    try {
      this.write();
      if (this.isWanted()) {
        this.log.file.flush();
        Journal.safe.store(memory, journal, this.written);
      }
      this.hasFailed = false;
      Journal.failure.store(memory, journal, 0);
    } catch (cause) {
      const isFull = cause instanceof Error && cause.name === "QuotaExceededError";
      Journal.failure.store(memory, journal, isFull ? Errno.ENOSPC : Errno.EIO);
      if (!this.hasFailed) this.onFailure(cause);
      this.hasFailed = true;
      this.isTorn = true;
    }
    wakeQueue(memory, Journal.waiters.at(journal), -1);
  }

  private hasWork(): boolean {
    const { memory, journal } = this;
    if (Journal.isClosing.load(memory, journal) !== 0) return true;
    // A store that fails is tried again when something else changes.
    if (this.hasFailed) return false;
    return Journal.pending.load(memory, journal) > 0 || this.isWanted();
  }

  /** Whether somebody waits until something is safe that is only written. */
  private isWanted(): boolean {
    const { memory, journal } = this;
    const isClosing = Journal.isClosing.load(memory, journal) !== 0;
    const safe = Journal.safe.load(memory, journal);
    return (isClosing || Journal.wanted.load(memory, journal) > safe) && this.written > safe;
  }

  /** Waits a little for more changes, unless somebody waits for those that there are. */
  private gather(): void {
    const { memory, journal } = this;
    const wanted = Journal.wanted.load(memory, journal);
    if (wanted > Journal.safe.load(memory, journal)) return;
    waitWhile(memory, journal + Journal.wanted.offset, wanted, GATHER);
  }

  /** Writes what is noted. @throws what the store does */
  private write(): void {
    if (this.isNew) {
      // The image of nothing: one small write, so that a store whose first write was cut off is known as such.
      this.log = new LogWriter(this.files[0], 1);
      this.log.append(BatchKind.complete, []);
      this.isNew = false;
    }
    this.take();
    try {
      if (this.isTorn) this.log.cut();
      this.isTorn = false;
      this.writeWaiting();
    } catch (cause) {
      if (!this.hasFailed) throw cause;
      // Files may have become smaller: then their image may find room where the log does not.
      this.replaceLog(false);
    }
    const { log } = this;
    if (!this.isLong(log.end, log.imageEnd)) return;
    try {
      this.replaceLog(true);
    } catch {
      // The log is good without. It is tried again when the log is twice as long.
      this.isTorn = true;
      log.imageEnd = log.end;
    }
  }

  /** Takes what is noted as one batch. */
  private take(): void {
    const { memory, journal } = this;
    Journal.lock.acquire(memory, journal);
    this.takeLocked();
    Journal.lock.release(memory, journal);
  }

  private takeLocked(): void {
    const taken = takeBatchLocked(this.memory, this.journal);
    if (taken.chunks.length > 0) this.waiting.push(taken);
  }

  private writeWaiting(): void {
    const { memory, waiting } = this;
    while (waiting.length > 0) {
      const { chunks, number } = waiting[0];
      this.log.append(
        BatchKind.changes,
        chunks.map((chunk) => chunkBytes(memory, chunk)),
      );
      this.written = number;
      this.dropWaiting();
    }
  }

  private dropWaiting(): void {
    const first = this.waiting.shift();
    if (first !== undefined) freeChunks(this.memory, this.journal, first.chunks);
  }

  /**
   * Writes an image to the other log, and goes on there. Meanwhile changes go to both logs.
   *
   * @param isGood whether the present log takes changes: one that fails does not; @throws what the store does: then all is as it was
   */
  private replaceLog(isGood: boolean): void {
    const { files, journal, memory, mount, vfs } = this;
    const old = this.log;
    const next = new LogWriter(files[0] === old.file ? files[1] : files[0], old.generation + 1);
    next.file.truncate(0);
    const image = new Image(vfs);
    try {
      Journal.lock.acquire(memory, journal);
      const names = image.readNamesLocked(mount);
      // What is noted up to here is in the image.
      this.takeLocked();
      Journal.lock.release(memory, journal);
      let copied = this.waiting.length;
      if (isGood) copied = this.flushOld();
      next.append(BatchKind.image, [names]);
      for (let isLast = false; !isLast;) {
        const bytes = image.readMore();
        isLast = bytes === undefined;
        if (bytes !== undefined) next.append(BatchKind.image, [bytes]);
        this.take();
        for (const { chunks } of this.waiting.slice(copied)) {
          const pieces = chunks.map((chunk) => chunkBytes(memory, chunk));
          next.append(BatchKind.changes, pieces);
        }
        copied = isGood ? this.flushOld() : this.waiting.length;
      }
      next.append(BatchKind.complete, []);
      next.file.flush();
    } catch (cause) {
      image.abandon();
      next.file.truncate(0);
      throw cause;
    }
    this.written = this.waiting.at(-1)?.number ?? this.written;
    while (this.waiting.length > 0) this.dropWaiting();
    this.log = next;
    Journal.safe.store(memory, journal, this.written);
    old.file.truncate(0);
  }

  /** Writes to the log that is still in use what was taken, and makes it safe where somebody waits for that. 0: nothing waits any more. */
  private flushOld(): number {
    const { memory, journal } = this;
    this.writeWaiting();
    if (this.isWanted()) {
      this.log.file.flush();
      Journal.safe.store(memory, journal, this.written);
    }
    wakeQueue(memory, Journal.waiters.at(journal), -1);
    return 0;
  }
}
