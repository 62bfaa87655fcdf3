/**
 * Files that are not WebAssembly, recognised by their first bytes, so that the error can say what was given and
 * what to do about it.
 */

import { ModuleError } from "./module-error.ts";

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

/** The refusal of a file that is no module, with what it is instead; any other is left as it is. */
export function tellForeign(refusal: unknown, bytes: Uint8Array): unknown {
  if (!(refusal instanceof ModuleError) || refusal.code !== "ERR_NOT_WASM") return refusal;
  return new ModuleError(
    refusal.code,
    `${refusal.message}: this is ${recogniseForeignFormat(bytes)}`,
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
