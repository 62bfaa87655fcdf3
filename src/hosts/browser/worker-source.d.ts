/** The script of the worker, `worker-main.ts` with all it imports: the bundler of this project puts it in (`tools/bundle.mjs`). */
declare module "weft:worker-source" {
  const source: string;
  export default source;
}
