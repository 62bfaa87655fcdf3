/** What open directories have in common, whatever filesystem they are of. */
import { Errno } from "../abi/errno.ts";
import { FileOperations } from "./file-operations.ts";

/** Operations of an open directory: its bytes are nobody's. */
export abstract class DirectoryOperations extends FileOperations {
  override read(): number {
    return -Errno.EISDIR;
  }

  override write(): number {
    return -Errno.EISDIR;
  }
}
