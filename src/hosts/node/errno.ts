/**
 * What Node's system errors are called in the ABI: the one table.
 */
import { Errno } from "../../abi/errno.ts";
import { loadLateParts } from "../../threads/late-parts.ts";

let byName: Record<string, number> | undefined;

/** Made when a call has failed first. */
const makeNames = (): Record<string, number> => ({
  ...loadLateParts().Errno,
  EAI_MEMORY: Errno.ENOMEM,
  ECHARSET: Errno.EILSEQ,
  EFTYPE: Errno.EINVAL,
  EHOSTDOWN: Errno.EHOSTUNREACH,
  EOPNOTSUPP: Errno.ENOTSUP,
  ETXTBSY: Errno.ETXTBSY,
  // Node's permission model.
  ERR_ACCESS_DENIED: Errno.EACCES,
  ERR_MEMORY_ALLOCATION_FAILED: Errno.ENOMEM,
});

/** Linux errors that libuv has no name for, so that Node shows only their number. */
const byLinuxNumber: Record<number, number> = {
  37: Errno.ENOLCK,
  39: Errno.ENOTEMPTY,
  67: Errno.ENOLINK,
  75: Errno.EOVERFLOW,
  116: Errno.ESTALE,
  122: Errno.EDQUOT,
};

/**
 * The negated errno of the ABI for an error that a Node call has thrown; EIO when the system's error has no counterpart.
 *
 * @throws the error itself when it is none of the system's: a mistake of ours, which nobody should take for a fault of a disk
 */
export function errnoOf(error: unknown): number {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  byName ??= makeNames();
  if (typeof code === "string" && Object.hasOwn(byName, code)) return -byName[code];
  if (typeof errno !== "number") throw error;
  return -(byLinuxNumber[-errno] ?? Errno.EIO);
}
