// What the threads of a napi-rs module import: emnapi in its form for children. Each of Weft's workers imports this file.

import type { ThreadImports, ThreadImportsContext } from "../../src/api/node.ts";
import { type Instance, loadEmnapi } from "./napi.ts";

export default function giveImports({ module, memory, post }: ThreadImportsContext): ThreadImports {
  const { createNapiModule, plugins, getDefaultContext } = loadEmnapi();
  const napi = createNapiModule({
    childThread: true,
    context: getDefaultContext(),
    plugins,
    postMessage: post,
  });
  const { env, napi: calls, emnapi } = napi.imports;
  return {
    imports: { env: { ...env, ...calls, ...emnapi }, napi: calls, emnapi },
    onInstance(instance: WebAssembly.Instance) {
      const exports = { ...instance.exports, memory } as Instance["exports"];
      napi.init({
        instance: { exports },
        module,
        memory,
        table: exports.__indirect_function_table,
      });
    },
  };
}
