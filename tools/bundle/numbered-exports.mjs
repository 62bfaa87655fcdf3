// Has a CommonJS file that others share export an array, not an object.

/** What a bundler writes for exports that it takes for changeable, and for others. */
const EXPORTS = [
  /^Object\.defineProperty\(exports, "([\w$]+)", \{\s*enumerable: true,\s*get: function ?\(\) \{\s*return ([\w$]+);\s*\}\s*\}\);$/gm,
  /^exports\.([\w$]+) = ([\w$]+);$/gm,
];

/**
 * Has a file export an array, and all others name what they use of it by its number. Names, and asking for a value each time, would take a twentieth of the file, and none of
 * ours needs that: no export is assigned to twice.
 *
 * @param texts the files by name; the shared one and those that use it are replaced
 * @param shared the name of the shared file
 * @returns what tells the number of an export
 */
export function numberExports(texts, shared) {
  const names = [];
  const locals = [];
  let rest = texts.get(shared);
  for (const pattern of EXPORTS)
    rest = rest.replace(pattern, (_, name, local) => {
      names.push(name);
      locals.push(local);
      return "";
    });
  texts.set(shared, `${rest}\nmodule.exports = [${locals}];\n`);

  const numberOf = (name) => {
    const number = names.indexOf(name);
    if (number < 0) throw new Error(`${shared} exports no ${name}`);
    return number;
  };

  const importOfShared = new RegExp(`const (\\w+) = require\\("\\./${shared}"\\);`);
  for (const [file, text] of texts) {
    const [, imported] = text.match(importOfShared) ?? [];
    if (imported === undefined) continue;
    const use = new RegExp(`\\b${imported.replaceAll("$", "\\$")}\\.([\\w$]+)`, "g");
    texts.set(
      file,
      text.replace(use, (_, name) => `${imported}[${numberOf(name)}]`),
    );
  }
  return numberOf;
}
