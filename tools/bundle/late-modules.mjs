// Plugins that put other modules in the place of two of ours, which have what agents take when they first need it: `threads/late-parts.ts` and
// `syscalls/path-services.ts`.

import { builtFile } from "./inputs.mjs";

const LATE_PARTS = builtFile("threads/late-parts.js");
const PATH_SERVICES = builtFile("syscalls/path-services.js");

/** What stands for Node's `require` until a bundle is written: a bundler would follow the name itself. */
export const REQUIRE = "weftRequire";

const replaceModules = (name, texts) => ({ name, load: (id) => texts[id] });

/** Has Node load the late parts from a file of their own when they are asked for: it can do that in the middle of a call. */
export const requireLateParts = (file) =>
  replaceModules("require-late-parts", {
    [LATE_PARTS]: `export const loadLateParts = () => ${REQUIRE}("./${file}").lateParts;`,
  });

/** The same for the calls that look files up. The command has them at once. */
export const requirePathServices = (file) =>
  replaceModules("require-path-services", {
    [PATH_SERVICES]: `export const loadPathServices = () => ${REQUIRE}("./${file}").pathServices;`,
  });

/** Has a page's agents take both from the parts that were loaded before: see `browser-library.mjs`. */
export const takeLoadedParts = replaceModules("take-loaded-parts", {
  [LATE_PARTS]: "export const loadLateParts = () => weftParts;",
  [PATH_SERVICES]: "export const loadPathServices = () => weftParts.pathServices;",
});
