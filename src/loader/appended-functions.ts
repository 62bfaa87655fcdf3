/** Types and functions that are appended to a module, behind its own. Life: filled while a module's code is read, then written into its sections. */
import { Opcode } from "./instructions.ts";
import { encodeFunctionType, encodeUnsigned, type WasmBytes } from "./wasm-writer.ts";

export class AppendedFunctions {
  /** Entries for the type section. */
  readonly types: number[][] = [];
  /** Entries for the function section. */
  readonly functionTypes: number[][] = [];
  /** Entries for the code section. */
  readonly bodies: WasmBytes[] = [];

  /** @param firstType the first free index of a type; @param first the same of a function */
  constructor(
    private readonly firstType: number,
    readonly first: number,
  ) {}

  /** The index that the next function gets. */
  get next(): number {
    return this.first + this.bodies.length;
  }

  /** Appends a type and returns its index. */
  addType(parameters: WasmBytes, results: WasmBytes): number {
    return this.firstType + this.types.push(encodeFunctionType(parameters, results)) - 1;
  }

  /** Appends a function of a type that was appended; returns a call of it: shared, not to be changed. */
  add(type: number, body: WasmBytes): readonly number[] {
    const call = [Opcode.call, ...encodeUnsigned(this.next)];
    this.functionTypes.push(encodeUnsigned(type));
    this.bodies.push(body);
    return call;
  }
}
