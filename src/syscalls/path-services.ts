/**
 * Where the table of calls has those from that look files up or list them. A program that imports none meets no file but those that it begins with. So in Node's bundle they
 * are a file of their own, which is loaded when a program's imports are made; a page loads them for a program that needs them, with the drivers of `/dev` and `/proc`. For
 * these `tools/bundle.mjs` has other modules in the place of this one; the command has them at once.
 */
import { pathServices } from "./path-table.ts";
import type { Services } from "./service.ts";

export const loadPathServices = (): Services => pathServices;
