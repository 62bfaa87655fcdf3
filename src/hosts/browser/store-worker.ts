/**
 * What a worker does for a store of the browser's (OPFS): it opens the two logs, which only one worker of one page can have open, hands the page what is in
 * them, and then keeps a mount of the machine in them until the machine is closed. A part that few machines need.
 */
import { installLogfs, Keeper } from "../../fs/logfs/index.ts";
import { installTmpfs } from "../../fs/tmpfs/index.ts";
import { attachKernel } from "../../kernel/index.ts";
import { KernelMemory, LockOrder } from "../../shm/index.ts";
import { BrowserClock } from "./clock.ts";
import type { AgentMessage, KeepMessage, OpenStoreMessage } from "./messages.ts";
import { browserRandomness } from "./random.ts";

/** How long a page that is gone may go on holding its logs, in milliseconds, and how long to wait before asking again. */
const PATIENCE = 3000;
const PAUSE = 50;

type Post = (message: AgentMessage, transfer?: Transferable[]) => void;

let files: [FileSystemSyncAccessHandle, FileSystemSyncAccessHandle] | undefined;

/** Opens a store. Answered by `storeOpened` or `refused`, with the name of an errno where it is in use. */
export async function openStore({ name }: OpenStoreMessage, post: Post): Promise<void> {
  try {
    // Its type says that it is there in every browser.
    const storage = navigator.storage as Partial<StorageManager> | undefined;
    if (storage?.getDirectory === undefined)
      throw new Error(
        "this browser keeps no files for pages (it lacks navigator.storage.getDirectory)",
      );
    const root = await storage.getDirectory();
    const stores = await root.getDirectoryHandle("weft", { create: true });
    const store = await stores.getDirectoryHandle(name, { create: true });
    const first = await openLog(store, "log-0");
    files = [first, await openLog(store, "log-1")];
    const [one, other] = files.map(readAll);
    post({ kind: "storeOpened", logs: [one, other] }, [one.buffer, other.buffer]);
  } catch (error) {
    const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
    const code = kind === IN_USE ? "EBUSY" : undefined;
    post({ kind: "refused", code, message: `${kind}: ${message}` });
  }
}

const IN_USE = "NoModificationAllowedError";

async function openLog(
  store: FileSystemDirectoryHandle,
  name: string,
): Promise<FileSystemSyncAccessHandle> {
  const file = await store.getFileHandle(name, { create: true });
  for (const end = performance.now() + PATIENCE; ;) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      const isInUse = error instanceof Error && error.name === IN_USE;
      if (!isInUse || performance.now() > end) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE);
    });
  }
}

function readAll(file: FileSystemSyncAccessHandle): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(file.getSize());
  for (let done = 0; done < bytes.length;) {
    const read = file.read(bytes.subarray(done), { at: done });
    if (read <= 0) throw new Error(`the store gives only ${done} of ${bytes.length} bytes`);
    done += read;
  }
  return bytes;
}

/** Keeps a mount until its machine is closed; then says `storeClosed`. Sleeps. */
export function keepStore({ memory, mount, state, debug }: KeepMessage, post: Post): void {
  if (files === undefined) throw new Error("the store is not open");
  const heap = KernelMemory.attach(memory, true, debug ? new LockOrder() : undefined);
  const { vfs } = attachKernel(heap, new BrowserClock(), browserRandomness);
  installTmpfs(vfs);
  installLogfs(vfs);
  const onFailure = (cause: unknown) => post({ kind: "storeFailed", message: String(cause) });
  new Keeper(vfs, mount, files, state, onFailure).serve();
  post({ kind: "storeClosed" });
}
