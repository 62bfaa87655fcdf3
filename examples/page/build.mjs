// Compiles the programs that the page offers, and bundles the page with Vite into examples/page/dist.
//
//   node examples/page/build.mjs          after npm run build
//   npx vite preview examples/page        then shows it

import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { compileGuest } from "../../build/tests/support/compile.js";

const page = fileURLToPath(new URL(".", import.meta.url));
const programs = ["hello", "page_streams", "page_threads", "page_files", "page_compute"];

await mkdir(`${page}/public/programs`, { recursive: true });
for (const program of programs)
  await copyFile(await compileGuest(program), `${page}/public/programs/${program}.wasm`);

await build({ root: page, logLevel: "warn" });
