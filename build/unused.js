// Removes unused output of tsc.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Removes empty JavaScript files, and type declarations that index.d.ts does not refer to. */
export function removeUnused(dist) {
  const shown = new Set();
  follow(join(dist, 'index.d.ts'), shown);
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = join(dist, name);
    const isUnused = name.endsWith('.d.ts') ? !shown.has(file) : name.endsWith('.js') && isEmpty(file);
    if (isUnused) rmSync(file);
  }
}

function follow(file, shown) {
  if (shown.has(file)) return;
  shown.add(file);
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)) {
    follow(join(dirname(file), `${path}.d.ts`), shown);
  }
}

function isEmpty(file) {
  return /^(\/\/.*\n)*export \{\};\s*$/.test(readFileSync(file, 'utf8'));
}
