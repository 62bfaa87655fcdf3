// Reading a tar archive: files and directories of the ustar format, one after the other.
//
// Source of the format: POSIX.1, pax, "ustar Interchange Format". Long names of GNU and pax archives are read; links and devices are passed over.

import { open } from "node:fs/promises";

const BLOCK = 512;

/**
 * Reads an archive.
 * @param {string} archive its path
 * @yields {{ path: string, isDirectory: boolean, content: Uint8Array }} entries in their order
 * @throws an error that names a path which would lead out of the place it is unpacked to, or a broken header
 */
export async function* readTar(archive) {
  const file = await open(archive);
  try {
    let longName = "";
    for (let position = 0; ;) {
      const header = await readExactly(file, position, BLOCK);
      if (header === undefined || header.every((byte) => byte === 0)) return;
      checkHeader(header, archive, position);
      const size = readOctal(header, 124, 12);
      const content = await readExactly(file, position + BLOCK, size);
      if (content === undefined) throw new Error(`${archive} ends within a file`);
      position += BLOCK + Math.ceil(size / BLOCK) * BLOCK;

      const type = String.fromCharCode(header[156] || 0x30);
      if (type === "L") longName = readText(content, 0, size);
      else if (type === "x") longName = readPaxPath(content);
      else {
        const prefix = readText(header, 345, 155);
        const name = readText(header, 0, 100);
        const path = longName || (prefix ? `${prefix}/${name}` : name);
        longName = "";
        if (path.startsWith("/") || path.split("/").includes("..")) {
          throw new Error(`${archive} holds a path that leads elsewhere: ${path}`);
        }
        if (type === "0" || type === "5") yield { path, isDirectory: type === "5", content };
      }
    }
  } finally {
    await file.close();
  }
}

async function readExactly(file, position, size) {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size;) {
    const { bytesRead } = await file.read(bytes, done, size - done, position + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return bytes;
}

/** The header's own sum: of its bytes, with the field of the sum itself as spaces. */
function checkHeader(header, archive, position) {
  const sum = header.reduce(
    (total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte),
    0,
  );
  if (sum !== readOctal(header, 148, 8)) {
    throw new Error(`${archive} is no tar archive, or is damaged at byte ${position}`);
  }
}

function readText(bytes, start, length) {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function readOctal(bytes, start, length) {
  return parseInt(readText(bytes, start, length).trim() || "0", 8);
}

/** The path in a pax header: lines "length key=value". */
function readPaxPath(content) {
  const text = new TextDecoder().decode(content);
  return /^\d+ path=(.*)$/m.exec(text)?.[1] ?? "";
}
