/**
 * Files that are not WebAssembly, recognised by their first bytes, so that the error can say what was given and
 * what to do about it.
 */

import { ModuleError } from "./module-error.ts";
import { HEADER } from "./wasm-binary.ts";

/** First bytes in hexadecimal, and the end of the sentence "this is …". */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ["1f8b", "gzip-compressed data: decompress it first"],
  ["504b0304", "a ZIP archive: unpack it first"],
  ["28b52ffd", "zstd-compressed data: decompress it first"],
  ["fd377a585a00", "xz-compressed data: decompress it first"],
  ["425a68", "bzip2-compressed data: decompress it first"],
  ["7f454c46", "an ELF file, native code for Linux: build the program for wasm32-wasi or WASIX"],
  ["cffaedfe", "a Mach-O file, native code for macOS: build the program for wasm32-wasi or WASIX"],
  ["cafebabe", "a Mach-O or Java class file: build the program for wasm32-wasi or WASIX"],
  ["4d5a", "a Windows executable: build the program for wasm32-wasi or WASIX"],
  ["4243c0de", "LLVM bitcode: compile and link it for wasm32 first"],
  ["213c617263683e0a", "a static library (ar archive): link it into a program first"],
  ["0077656263", "a WEBC package: unpack the module from it first"],
  ["2321", "a script, not a module"],
];

/** The bytes of the header that only modules and components have. */
const MAGIC = HEADER.slice(0, 4);

/** The refusal of a file that is no module, with what it is instead; any other is left as it is. */
export function tellForeign(refusal: unknown, bytes: Uint8Array): unknown {
  if (!(refusal instanceof ModuleError) || refusal.code !== "ERR_NOT_WASM") return refusal;
  if (bytes.length > 0 && MAGIC.every((byte, index) => (bytes[index] ?? byte) === byte))
    return tellHeader(bytes);
  return new ModuleError(
    refusal.code,
    `${refusal.message}: this is ${recogniseForeignFormat(bytes)}`,
  );
}

/** What is wrong with a header that begins as that of a module. */
function tellHeader(bytes: Uint8Array): ModuleError {
  if (bytes.length < HEADER.length)
    return new ModuleError(
      "ERR_MALFORMED",
      "the module is cut off inside its header",
      bytes.length,
    );
  const version = bytes[4] | (bytes[5] << 8);
  const layer = bytes[6] | (bytes[7] << 8);
  if (layer === 1)
    return new ModuleError(
      "ERR_COMPONENT",
      "this is a component (WASI 0.2 or later), not a core module: " +
        "build the program for wasm32-wasip1 or WASIX, or take the core module out of it",
    );
  return new ModuleError(
    "ERR_WASM_VERSION",
    `version ${version}, layer ${layer} of the WebAssembly binary format is not known; only version 1 is`,
    4,
  );
}

/** Says what `bytes`, which do not begin as a module does, seem to be: the end of a sentence "this is …". */
function recogniseForeignFormat(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  let head = "";
  let text = "";
  for (const byte of bytes.subarray(0, 256)) {
    head += byte.toString(16).padStart(2, "0");
    text += String.fromCharCode(byte);
  }
  for (const [signature, meaning] of SIGNATURES) if (head.startsWith(signature)) return meaning;
  const opening = text.replace(/^(?:\xef\xbb\xbf|\s|;;[^\n]*(?:\n|$))+/, "");
  if (/^\((?:module|component|;)/.test(opening)) {
    return "WebAssembly text: assemble it first, with wat2wasm or wasm-tools parse";
  }
  if (/^<(?:!doctype|html|\?xml|head|body)/i.test(opening)) {
    return "an HTML page, perhaps a server's error page: check the address";
  }
  return `something that begins with ${head.slice(0, 8).replace(/..(?=.)/g, "$& ")} instead of 00 61 73 6d`;
}
