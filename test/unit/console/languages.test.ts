import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../../console/', import.meta.url);

const languages: Record<string, Record<string, string>> = {};
for (const file of readdirSync(new URL('lang/', ROOT))) {
  languages[file.replace('.js', '')] = (await import(new URL(`lang/${file}`, ROOT).href)).default;
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(js|html)$/.test(name) && !name.startsWith('lang'))
  .map((name) => [name, readFileSync(new URL(name, ROOT), 'utf8')] as const);
const sources = files.map(([, text]) => text).join('\n');

test('both languages have the same texts, with the same values in them', () => {
  const { en = {}, 'zh-CN': chinese = {} } = languages;
  expect(Object.keys(chinese).sort()).toEqual(Object.keys(en).sort());
  // What the daemon says in English may be left out where the Chinese text says it all.
  const withoutMessage = (text?: string) => valuesOf(text).filter((name) => name !== 'message');
  for (const [key, text] of Object.entries(en))
    expect([key, withoutMessage(chinese[key])]).toEqual([key, withoutMessage(text)]);
});

test('no Chinese text is empty or was left in English', () => {
  const left = Object.entries(languages['zh-CN'] ?? {}).filter(
    ([, text]) => !/[\u4e00-\u9fff]|^HTTP API$/.test(text),
  );
  expect(left).toEqual([]);
});

test('every text is used, and every text that is asked for is there', () => {
  const { en = {} } = languages;
  const asked = [
    ...sources.matchAll(
      /(?:\bt\(|data-t(?:-label)?=|'(?=keys\.|help\.))['"]?([a-zA-Z]+(?:\.[a-zA-Z]+)*)['"]/g,
    ),
  ].map(([, key]) => key as string);
  const isThere = (key: string) => key in en || `${key}.other` in en;
  expect(asked.filter((key) => !isThere(key))).toEqual([]);
  // Those whose name is put together: t(`reason.${reason}`).
  const families = [...sources.matchAll(/`([a-zA-Z]+)\.\$\{/g)].map(([, family]) => family);
  const unused = Object.keys(en)
    .map((key) => key.replace(/\.(one|other)$/, ''))
    .filter((key) => !asked.includes(key) && !families.includes(key.split('.')[0]));
  expect([...new Set(unused)]).toEqual([]);
});

test('no error is shown as the daemon says it, in English', () => {
  // ApiError is made of what the daemon says, and faultText() has a text for it in each language.
  const readers = files.filter(([, text]) => /\.message\b|\{[^}]*\bmessage\b[^}]*\}\)? \{/.test(text));
  expect(readers.map(([name]) => name).sort()).toEqual(['core/api.js', 'core/events.js', 'core/parts.js']);
});

function valuesOf(text = ''): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string).sort();
}
