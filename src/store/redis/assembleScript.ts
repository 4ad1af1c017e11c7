const INCLUDE = /^--- @include "(.*)"\n/gm;

/**
 * Assembles a Lua script: replaces the lines `--- @include "name"` by the files that they name, each once,
 * before the file that includes it. `read` returns the text of a file, or undefined if there is none. Throws
 * for an include that is unknown or cyclic.
 */
export function assembleScript(name: string, read: (name: string) => string | undefined): string {
  const parts: string[] = [];
  const included = new Set<string>();
  const include = (file: string, chain: readonly string[]) => {
    if (chain.includes(file)) throw new Error(`cyclic include: ${[...chain, file].join(' > ')}`);
    if (included.has(file)) return;
    const text = read(file);
    if (text === undefined) throw new Error(`unknown script: ${[...chain, file].join(' > ')}`);
    for (const [, other = ''] of text.matchAll(INCLUDE)) include(other, [...chain, file]);
    included.add(file);
    parts.push(text.replace(INCLUDE, ''));
  };
  include(name, []);
  return parts.join('\n');
}
