/** What the bundler of this project puts in (`tools/bundle.mjs`). */
declare module "weft:worker-source" {
  /** Loads the first files of parts, of which few pages need any: `api/browser-paths.ts`, `api/browser-parts.ts`. Resolves to what has been loaded so far. */
  export function loadParts<Parts>(count: number): Promise<Parts>;
  /** The script of a worker, `worker-main.ts` with all it imports, and with so many files of parts, which must have been loaded. */
  export function workerSource(count: number): string;
}
