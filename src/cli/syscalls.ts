/** `weft syscalls`: every import that Weft provides and how well, as a table or as JSON. */
import { listProvidedImports } from "../api/command.ts";
import { alignColumns } from "./terminal-text.ts";

const SUPPORT = { full: "works", partial: "in part", none: "refused" } as const;

/** The text to print. */
export function listSupport(json: boolean): string {
  const imports = listProvidedImports();
  if (json) return JSON.stringify(imports, (_key, value: unknown) => value ?? null, 2) + "\n";
  let text = "";
  for (const module of new Set(imports.map((entry) => entry.module))) {
    const ofModule = imports.filter((entry) => entry.module === module);
    const working = ofModule.filter(({ support }) => support !== "none").length;
    text += `${module}: ${working} of ${ofModule.length} work\n`;
    text += alignColumns(
      ofModule.map(({ name, support, note }) => [name, SUPPORT[support], note ?? ""]),
      "  ",
    );
    text += "\n";
  }
  return text + "A call that is refused answers an errno that programs know how to handle.\n";
}
