import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'luaparse';
import { describe, expect, test } from 'vitest';
import { loadScripts, SCRIPTS } from '../../../../src/store/redis/scripts.ts';

/** Of one function, which the body of a script is. */
const MAX_LOCALS = 200;
const FOLDER = 'src/store/redis/scripts';
/** The global variables that Redis gives a script; all others fail when the script reads them. */
const GLOBALS = [
  ...['ARGV', 'KEYS', 'bit', 'cjson', 'ipairs', 'math', 'pairs', 'pcall', 'redis', 'select', 'string'],
  ...['struct', 'table', 'tonumber', 'tostring', 'type', 'unpack'],
];

interface Chunk {
  globals: { name: string }[];
  body: { type: string; variables?: unknown[]; isLocal?: boolean }[];
}

/** Parses a script; throws where it is no Lua 5.1. */
function parseScript(lua: string): Chunk {
  const options = { luaVersion: '5.1', scope: true, comments: false } as const;
  return parse(lua, options) as unknown as Chunk;
}

const scripts = Object.entries(loadScripts(3)).map(([command, { lua }]) => [command, lua] as const);

test.each(scripts)('%s is Lua, and reads no global variable that Redis does not have', (_, lua) => {
  const names = parseScript(lua).globals.map(({ name }) => name);
  expect(names.filter((name) => !GLOBALS.includes(name))).toEqual([]);
});

test('an undefined name is found', () => {
  expect(parseScript('local a = 1\nreturn a + b').globals.map(({ name }) => name)).toEqual(['b']);
});

test.each(scripts)('%s has at most as many local variables as Lua allows', (_, lua) => {
  const locals = parseScript(lua).body.map(
    ({ variables = [], isLocal }) => variables.length + Number(!!isLocal),
  );
  expect(locals.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MAX_LOCALS);
});

describe('each file', () => {
  const files = readdirSync(FOLDER).map((file) => [file, readFileSync(`${FOLDER}/${file}`, 'utf8')] as const);

  test.each(files)('%s begins with its includes and what it is for', (_, text) => {
    expect(text).toMatch(/^(--- @include "\w+"\n)*-- [A-Z]/);
  });

  test('is a script, or included by one', () => {
    const included = files.flatMap(([, text]) =>
      [...text.matchAll(/@include "(\w+)"/g)].map(([, name]) => name),
    );
    const used = new Set<string | undefined>([...Object.values(SCRIPTS), ...included]);
    expect(files.filter(([file]) => !used.has(file.replace('.lua', ''))).map(([file]) => file)).toEqual([]);
  });

  test.each(Object.values(SCRIPTS))('%s.lua states its keys, its arguments and its reply', (name) => {
    const text = files.find(([file]) => file === `${name}.lua`)?.[1] ?? '';
    for (const heading of [/^-- KEYS\b/m, /^-- ((KEYS, )?ARGV\[|No arguments)/m, /^-- Reply/m])
      expect(text).toMatch(heading);
  });
});
