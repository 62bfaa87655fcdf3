// Makes tests use the bundle of the library, dist/node.js, where they import build/src/api/node.js.
//
//   node --import ./tools/use-bundle.mjs build/tests/threads/doors.test.js
//
// What tests import beside it, of the floors below, still comes from build/: a class that they compare with must be the
// library's own, so they import that from there too.

import * as module from "node:module";

const library = new URL("../build/src/api/node.js", import.meta.url).href;
const bundle = new URL("../dist/node.js", import.meta.url).href;

if (module.registerHooks) {
  module.registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      return resolved.url === library ? { ...resolved, url: bundle } : resolved;
    },
  });
} else {
  // Node 20 has hooks on a thread of their own only.
  const source = `export async function resolve(specifier, context, nextResolve) {
    const resolved = await nextResolve(specifier, context);
    return resolved.url === ${JSON.stringify(library)} ? { ...resolved, url: ${JSON.stringify(bundle)} } : resolved;
  }`;
  module.register(`data:text/javascript,${encodeURIComponent(source)}`);
}
