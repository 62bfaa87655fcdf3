/** The part of the library for pages that look at files, or run programs that do: what workers have of it, and what the page has alone. See `hosts/browser/parts.ts`. */
export * from "../hosts/browser/path-parts.ts";
export { MachineFiles } from "./files.ts";
