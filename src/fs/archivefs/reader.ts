/** Reading pieces of an archive, which is an open file of whatever filesystem: at any place, without an offset. */
import { errnoName } from "../../abi/errno.ts";
import { Transfer, type Vfs } from "../../vfs/index.ts";
import { ArchiveError } from "./archive-error.ts";

export class ArchiveReader {
  readonly size: number;
  private readonly transfer = new Transfer();

  constructor(
    readonly vfs: Vfs,
    readonly file: number,
  ) {
    this.size = this.check(vfs.operationsOf(file).size(vfs, file));
  }

  /** The bytes of a range, which must lie in the archive. @throws ArchiveError */
  read(position: number, length: number): Uint8Array {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) {
      throw new ArchiveError(
        `it is cut off: there should be ${length} bytes at ${position}, and it has ${this.size}`,
      );
    }
    const bytes = new Uint8Array(length);
    const done = readRange(this.vfs, this.file, this.transfer, bytes, position);
    this.check(done);
    if (done < length) throw new ArchiveError("it became shorter while it was read", "EIO");
    return bytes;
  }

  private check(answer: number): number {
    if (answer < 0) throw new ArchiveError(`it cannot be read: ${errnoName(-answer)}`, "EIO");
    return answer;
  }
}

/** Fills an array from a position on; the number of bytes there were, or a negated errno. */
export function readRange(
  vfs: Vfs,
  file: number,
  transfer: Transfer,
  bytes: Uint8Array,
  position: number,
): number {
  const operations = vfs.operationsOf(file);
  let done = 0;
  while (done < bytes.length) {
    const answer = operations.read(
      vfs,
      file,
      transfer.single(bytes, done, bytes.length - done),
      position + done,
    );
    if (answer < 0) return answer;
    if (answer === 0) break;
    done += answer;
  }
  return done;
}
