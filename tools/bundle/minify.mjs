// Makes the text of a bundled file small.

import { minify } from "rolldown/utils";
import ts from "typescript";

/** Minifies a module, or a script that is valid as one. */
export async function minifyText(name, text) {
  const { code, errors } = await minify(name, text, { module: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return code;
}

/** Begins a line with each statement: Node prints the line of an error that nobody catches. */
export function breakLines(text) {
  const { statements } = ts.createSourceFile("bundle.js", text, ts.ScriptTarget.Latest);
  return statements.map(({ pos, end }) => text.slice(pos, end)).join("\n");
}
