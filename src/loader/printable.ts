/**
 * Text that a guest chose, made fit for an error message: names in a module may hold terminal escapes, line ends
 * that fake a second line, or 100,000 characters.
 */

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with control and format characters as `\u{…}`, cut to about `limit` characters. */
export function printable(text: string, limit = 120): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
