/** The browser's stores that the mounts of a machine name (`opfs`). They are opened before the machine is made: that takes promises, and making mounts does not. */
import {
  createLogfs,
  destroyLogfs,
  installLogfs,
  LogError,
  LogSpaceError,
} from "../fs/logfs/index.ts";
import { Store, StoreError } from "../hosts/browser/store.ts";
import type { BrowserWorkers } from "../hosts/browser/workers.ts";
import type { Kernel } from "../kernel/index.ts";
import { WeftError } from "./errors.ts";
import { createMountMaker, type Stores } from "./mount-maker.ts";
import {
  type ErrorReporter,
  type MakerFactory,
  type Mountable,
  MountSource,
} from "./mount-sources.ts";

/**
 * Opens all stores that mounts name, and makes a maker of mounts that has them.
 *
 * @throws WeftError: ERR_OPTION where one is named twice, ERR_MOUNT where one cannot be had
 */
export async function openStores(
  workers: BrowserWorkers,
  mounts: Readonly<Record<string, Mountable>>,
): Promise<MakerFactory> {
  const stores = new Map<string, Store>();
  for (const name of Object.values(mounts).flatMap((source) => [...namesIn(source)])) {
    if (stores.has(name))
      throw new WeftError("ERR_OPTION", `mounts: opfs(${JSON.stringify(name)}) is there twice`);
    stores.set(name, await openStore(workers, name));
  }
  const opened = new OpenStores(stores);
  return (kernel, host, onError) => createMountMaker(kernel, host, onError, opened);
}

/** The names of all stores in a source. */
function* namesIn(source: Mountable): Generator<string> {
  if (!(source instanceof MountSource)) return;
  const { what } = source;
  if (what.kind === "opfs") yield what.name;
  else if (what.kind === "readOnly") yield* namesIn(what.source);
  else if (what.kind === "overlay") {
    const { lower, upper } = what.options;
    for (const layer of [upper, lower].flat()) if (layer !== undefined) yield* namesIn(layer);
  }
}

async function openStore(workers: BrowserWorkers, name: string): Promise<Store> {
  try {
    return await Store.open(workers, name);
  } catch (cause) {
    const code = cause instanceof StoreError ? cause.code : undefined;
    const isBusy = code === "EBUSY";
    throw mountError(name, cause, code, isBusy ? "another machine has mounted it" : undefined);
  }
}

function mountError(name: string, cause: unknown, errno?: string, reason?: string): WeftError {
  const why = reason ?? (cause instanceof Error ? cause.message : String(cause));
  const message = `cannot mount opfs(${JSON.stringify(name)}): ${why}`;
  return new WeftError("ERR_MOUNT", message, errno === undefined ? { cause } : { cause, errno });
}

class OpenStores implements Stores {
  constructor(private readonly stores: ReadonlyMap<string, Store>) {}

  make(kernel: Kernel, name: string, onError: ErrorReporter): number {
    const { memory, vfs } = kernel;
    installLogfs(vfs);
    const store = this.stores.get(name);
    if (store === undefined) throw new Error(`the store ${name} was not opened`);
    const { mount, state } = makeMount(kernel, name, store);
    store.keep(memory, mount, state, (error) => onError("keep", name, error));
    return mount;
  }

  undo({ vfs }: Kernel, mount: number): void {
    destroyLogfs(vfs, mount);
  }

  async close(): Promise<void> {
    await Promise.all([...this.stores.values()].map((store) => store.close()));
  }
}

/** Makes the files that a store holds. @throws WeftError */
function makeMount({ vfs }: Kernel, name: string, { logs }: Store) {
  try {
    const made = createLogfs(vfs, logs);
    if (made !== undefined) return made;
  } catch (cause) {
    if (!(cause instanceof LogError)) throw cause;
    if (!(cause instanceof LogSpaceError)) throw mountError(name, cause, "EIO");
  }
  throw new WeftError(
    "ERR_LIMIT",
    `no room for the files of opfs(${JSON.stringify(name)}) (option maxKernelMemory)`,
  );
}
