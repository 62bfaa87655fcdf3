/**
 * Text that a guest chose, made fit for an error message: names in a module may hold terminal escapes, line ends
 * that fake a second line, or 100,000 characters.
 */

/** `text` with control and format characters as `\u{…}`, cut to about `limit` characters. */
export function printable(text: string, limit = 120): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  // Nearly all names are ASCII, and an engine takes a third of a millisecond to make the expression below.
  if (/^[ -~]*$/.test(text)) return cut;
  return cut.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
