/** What the bundler of this project puts in (`tools/bundle.mjs`). */
declare module "weft:worker-source" {
  /** The script of the worker, `worker-main.ts` with all it imports. */
  const source: string;
  export default source;
  /** Loads the parts that few pages need, `api/browser-parts.ts`: the functions that the library was made with, and the script of a worker that has them too. */
  export function loadParts<Parts>(): Promise<{ parts: Parts; workerSource: string }>;
}
