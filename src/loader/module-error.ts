/**
 * ModuleError: why a file cannot be run as a WebAssembly module.
 *
 * Everything in this floor that reads a guest's bytes throws this class and nothing else, whatever the bytes hold.
 */

/** What kind of refusal it is; the message names the thing. */
export type ModuleErrorCode =
  /** The file is something else: text, an archive, a native executable, a page. */
  | "ERR_NOT_WASM"
  /** A component of the component model, not a core module. */
  | "ERR_COMPONENT"
  /** A version of the binary format other than 1. */
  | "ERR_WASM_VERSION"
  /** The bytes break the binary format; `offset` says where. */
  | "ERR_MALFORMED"
  /** More types, imports, exports… than engines accept. */
  | "ERR_MODULE_LIMIT"
  /** The `dylink.0` section of a dynamically linked module cannot be read. */
  | "ERR_DYLINK"
  /** The module asks for more memory than it may have. */
  | "ERR_MEMORY_LIMIT"
  /** The host cannot give the memory that the module imports. */
  | "ERR_MEMORY"
  /** The program's memory has 64-bit addresses. */
  | "ERR_WIDE_MEMORY"
  /** Imports that Weft does not provide, or provides with another signature. */
  | "ERR_LINK"
  /** A dynamically linked program. */
  | "ERR_DYNAMIC"
  /** Exports nothing to start at. */
  | "ERR_NO_ENTRY"
  /** The entry, or that of its threads, has another signature than it is called with. */
  | "ERR_ENTRY"
  /** The engine refuses the module. */
  | "ERR_COMPILE"
  /** The exported globals that describe the stack contradict each other. */
  | "ERR_STACK";

export class ModuleError extends Error {
  override readonly name = "ModuleError";
  readonly code: ModuleErrorCode;
  /** Where in the file, in bytes from its start, when the refusal has a place. */
  readonly offset: number | undefined;

  constructor(code: ModuleErrorCode, message: string, offset?: number) {
    super(offset === undefined ? message : `${message} (at offset 0x${offset.toString(16)})`);
    this.code = code;
    this.offset = offset;
  }
}
