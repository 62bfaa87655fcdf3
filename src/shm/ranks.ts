/**
 * The lock ladder: a thread that holds a lock may only take locks of a higher rank.
 *
 * Ranks are checked by the debug build of the locks (see `lockdep.ts`). This is the one place of this floor that
 * mentions objects of the floors above, so that the whole order can be read in one look.
 */
export const Rank = {
  /** The pool of carriers of a machine: held while a thread is handed to a carrier. */
  Carriers: 10,
  /** Who is whose child, in all processes together. */
  Family: 15,
  /** A process: its list of threads, its end. */
  Process: 20,
  /** The table of process and thread ids: looked up with a process held. */
  Ids: 25,
  /** A table of file descriptors. */
  FileTable: 30,
  /** The names of a layered filesystem: held while its layers are looked into, whose open directories are listed. */
  Overlay: 35,
  /** A set of watched files: its lists. */
  Epoll: 37,
  /** What changed in files that a store keeps: held over each change and its note. */
  Journal: 39,
  /** An open file description: its offset. Held over the read or write of the file itself. */
  OpenFile: 40,
  /** The table of mounts. */
  Mounts: 50,
  /** The tree of one filesystem: names, links, directories. */
  Tree: 60,
  /** One inode: size, bytes, times. */
  Inode: 70,
  /** A terminal: its modes and what was typed. */
  Terminal: 75,
  /** The bytes of a pipe, the counter of an event object. */
  Pipe: 80,
  /** One bucket of the futex table. */
  Futex: 90,
  /** A queue of waiters: taken after a change of what they wait for. */
  WaitQueue: 100,
  /** The allocator: anyone may allocate while holding anything. */
  Heap: 110,
} as const;

export type Rank = (typeof Rank)[keyof typeof Rank];
