/**
 * Limits a memory that a module defines for itself: such a memory is made by the engine, so the only place to bound it is
 * the module's bytes.
 */
import type { ModuleDescription } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";
import { readSections, SectionId, WasmReader } from "./wasm-binary.ts";
import { type MemoryType, readMemoryType } from "./wasm-types.ts";

const PAGE = 65_536;

/** Appends an unsigned LEB128 number; exact up to 2^53. */
function writeUnsigned(into: number[], value: number): void {
  for (; value > 0x7f; value = Math.floor(value / 128)) into.push((value % 128) | 0x80);
  into.push(value);
}

/** The limit in pages of this memory's own size, within what its index type can say. */
function ownLimit(memory: MemoryType, maximumPages: number): number {
  const limit = Math.floor((maximumPages * PAGE) / memory.pageSize);
  return memory.memory64 ? limit : Math.min(limit, 0xffff_ffff);
}

function checkMinimum(memory: MemoryType, maximumPages: number, what: string): void {
  if (memory.minimum <= ownLimit(memory, maximumPages)) return;
  const needed = (memory.minimum * memory.pageSize) / PAGE;
  throw new ModuleError(
    "ERR_MEMORY_LIMIT",
    `${what} needs ${needed} pages (${needed / 16} MiB) to start; the limit is ${maximumPages} pages (${maximumPages / 16} MiB)`,
  );
}

/**
 * Returns the module with the maximum of each memory it defines at most `maximumPages` (of 64 KiB), or `bytes` itself when
 * that is so already. An imported memory is left alone: it may be made with a smaller maximum than the module names.
 * Throws ModuleError with code ERR_MEMORY_LIMIT when a memory, defined or imported, needs more from the start.
 */
export function limitMemory(
  bytes: Uint8Array,
  description: ModuleDescription,
  maximumPages: number,
): Uint8Array {
  for (const entry of description.imports) {
    if (entry.kind === "memory") checkMinimum(entry.type, maximumPages, "the imported memory");
  }
  for (const memory of description.memories) checkMinimum(memory, maximumPages, "the memory");
  const isLimited = (memory: MemoryType) =>
    memory.maximum !== undefined && memory.maximum <= ownLimit(memory, maximumPages);
  if (description.memories.every(isLimited)) return bytes;

  for (const section of readSections(bytes)) {
    if (section.id !== SectionId.memory) continue;
    const content = rewriteMemories(bytes, section.start, section.end, maximumPages);
    const head: number[] = [SectionId.memory];
    writeUnsigned(head, content.length);
    const before = section.header + head.length;
    const after = before + content.length;
    const rewritten = new Uint8Array(after + bytes.length - section.end);
    rewritten.set(bytes.subarray(0, section.header));
    rewritten.set(head, section.header);
    rewritten.set(content, before);
    rewritten.set(bytes.subarray(section.end), after);
    return rewritten;
  }
  return bytes;
}

function rewriteMemories(
  bytes: Uint8Array,
  start: number,
  end: number,
  maximumPages: number,
): number[] {
  const reader = new WasmReader(bytes, start, end);
  const content: number[] = [];
  const count = reader.count("memories");
  writeUnsigned(content, count);
  for (let left = count; left > 0; left--) {
    const flags = bytes[reader.offset];
    const memory = readMemoryType(reader);
    const limit = ownLimit(memory, maximumPages);
    content.push(flags | 1);
    writeUnsigned(content, memory.minimum);
    writeUnsigned(content, Math.min(memory.maximum ?? limit, limit));
    if (flags & 8) writeUnsigned(content, Math.log2(memory.pageSize));
  }
  return content;
}
