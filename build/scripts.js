// The Lua scripts of dist/: one file per script, with its includes.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FOLDER = 'store/redis/scripts';

/** Assembles the scripts that no other one includes. */
export async function writeScripts(root, staging) {
  const module = pathToFileURL(join(staging, 'dist/store/redis/assembleScript.js'));
  const { assembleScript } = await import(module.href);
  const texts = readTexts(join(root, 'src', FOLDER));
  const included = new Set([...texts.values()].flatMap((text) => includesOf(text)));
  mkdirSync(join(staging, 'dist', FOLDER), { recursive: true });
  for (const name of texts.keys()) {
    if (included.has(name)) continue;
    const script = assembleScript(name, (file) => texts.get(file));
    writeFileSync(join(staging, 'dist', FOLDER, `${name}.lua`), script);
  }
}

function readTexts(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.lua'));
  return new Map(files.map((file) => [basename(file, '.lua'), readFileSync(join(folder, file), 'utf8')]));
}

function includesOf(text) {
  return [...text.matchAll(/^--- @include "(.*)"$/gm)].map(([, name]) => name);
}
