/**
 * Where the table of calls has those from that look files up or list them. A program that imports none meets no file but those that it begins with: a page loads them for a
 * program that does, with the drivers of `/dev` and `/proc` (in its bundle, `tools/bundle.mjs` has another module in the place of this one).
 */
import { pathServices } from "./path-table.ts";
import type { Services } from "./service.ts";

export const loadPathServices = (): Services => pathServices;
