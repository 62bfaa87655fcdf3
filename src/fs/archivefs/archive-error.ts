/** An archive that cannot be mounted: what is wrong, and with which entry. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  /** Name of the errno that comes closest. */
  readonly code: "EINVAL" | "EIO" | "ENOSPC" | "ENOTSUP";

  constructor(message: string, code: ArchiveError["code"] = "EINVAL") {
    super(message);
    this.code = code;
  }
}

/** An entry's name for a message: quoted, cut, and without anything that a terminal would act on. */
export function quote(name: Uint8Array): string {
  const text = new TextDecoder().decode(name.subarray(0, 200));
  return JSON.stringify(name.length > 200 ? `${text}…` : text);
}
