/** The parts that workers may need: see `parts.ts`. */
export * as archivefs from "../../fs/archivefs/index.ts";
export * as overlayfs from "../../fs/overlayfs/index.ts";
export * as userfs from "../../fs/userfs/index.ts";
export { compileShareable } from "../../loader/shareable-program.ts";
export { runOnCopy } from "./copy-run.ts";
