/** What a context begins with: a function without parameters in the program's table, which must be exported under its usual name. */

/** The function at an index of an instance's table; undefined where there is none that a context can begin with. */
export function contextEntry(
  instance: WebAssembly.Instance,
  index: number,
): (() => unknown) | undefined {
  const table = instance.exports.__indirect_function_table;
  if (!(table instanceof WebAssembly.Table) || index >= table.length) return undefined;
  // A table of 64-bit indexes counts in big integers, of which TypeScript does not know yet.
  const isWide = typeof (table.length as number | bigint) === "bigint";
  const callee = table.get((isWide ? BigInt(index) : index) as number) as
    ((...parameters: number[]) => unknown) | null;
  return callee === null || callee.length !== 0 ? undefined : callee;
}
