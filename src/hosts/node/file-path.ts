/**
 * How names in directories of the host are written as paths for Node.
 */
import type { HostPlace } from "../../fs/hostfs/index.ts";
import type { Name } from "../../vfs/index.ts";

export type Path = string | Buffer;

/** The path of a name in a directory: text where it is ASCII, bytes otherwise. */
export function pathOf(place: HostPlace, name: Name): Path {
  const prefix = prefixOf(place);
  const { bytes, start, length } = name;
  let text = prefix;
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index];
    if (byte >= 0x80) {
      return Buffer.concat([Buffer.from(prefix), bytes.slice(start, start + length)]);
    }
    text += String.fromCharCode(byte);
  }
  return text;
}

function prefixOf(place: HostPlace): string {
  return place.path === "" ? `/proc/self/fd/${place.descriptor}/` : withSlash(place.path);
}

/** The path of a directory itself: through its descriptor when there is one, as a path's last name could be swapped. */
export function directoryPathOf(place: HostPlace): string {
  return place.descriptor >= 0 ? `/proc/self/fd/${place.descriptor}` : place.path;
}

/** Only roots of the host end with a slash. */
export function withSlash(path: string): string {
  return path.endsWith("/") || path.endsWith("\\") ? path : `${path}/`;
}

/**
 * Whether a name is nothing but a name on this system. Windows takes more characters for separators, a colon for a stream or a drive, and
 * strips dots and blanks at the end.
 */
export function isPlain(name: Name): boolean {
  if (process.platform !== "win32") return true;
  const { bytes, start, length } = name;
  const last = bytes[start + length - 1];
  if (last === 0x20 || last === 0x2e) return false;
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index];
    if (byte < 0x20 || byte === 0x3a || byte === 0x5c) return false;
  }
  return true;
}
