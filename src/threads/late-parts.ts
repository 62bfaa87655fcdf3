/**
 * What an agent takes when it first needs it, in the middle of what it does: files that few programs open, and what few machines want. Node can load a file at once, so in
 * its bundle all of this is one of their own. A page's agents have been given it before they come to need it (`hosts/browser/parts.ts`). For both bundles
 * `tools/bundle.mjs` has another module in the place of this one.
 */
import { lateParts } from "./late-part.ts";

export const loadLateParts = () => lateParts;
