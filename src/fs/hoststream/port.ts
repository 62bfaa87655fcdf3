/** What host streams need of the host: given at boot. */
export interface HostStreams {
  /**
   * Reads from a descriptor of the host program at its own position.
   *
   * @returns bytes read, 0 at the end, a negated errno, or WOULD_BLOCK for a descriptor that cannot wait
   */
  read(descriptor: number, bytes: Uint8Array, start: number, length: number): number;
  /** Writes likewise; may write less than all. */
  write(descriptor: number, bytes: Uint8Array, start: number, length: number): number;
  /** The `Filetype` of a descriptor: character device for a terminal and for nothing else. */
  typeOf(descriptor: number): number;
}
