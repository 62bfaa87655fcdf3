/** The open directory of devices. Nothing in it changes, so that a cookie is just a place in the list. */
import {
  type DirectoryReader,
  DirectoryOperations,
  OpenFile,
  type Stat,
  type Vfs,
} from "../../vfs/index.ts";
import { NAMES } from "./filesystem.ts";
import { describeInode, DevfsInode, inodeOf } from "./inode.ts";

const DOTS = new Uint8Array([46, 46]);

export class DevfsDirectory extends DirectoryOperations {
  override stat(vfs: Vfs, file: number, into: Stat): number {
    return describeInode(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    const root = OpenFile.inode.get(memory, file);
    // 0 and 1 are `.` and `..`, which are both the directory; device n stands at n + 1.
    for (let place = cookie; place <= NAMES.length; place++) {
      const inode = inodeOf(memory, root, Math.max(0, place - 1));
      const number = DevfsInode.number.get(memory, inode);
      const type = DevfsInode.type.get(memory, inode);
      const name = place < 2 ? DOTS : NAMES[place - 1];
      const length = place < 2 ? place + 1 : name.length;
      if (!into.entry(place + 1, number, 0, type, name, 0, length)) break;
    }
    return 0;
  }
}
