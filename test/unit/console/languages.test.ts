import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../../console/', import.meta.url);

const languages: Record<string, Record<string, string>> = {};
for (const file of ['en.js', 'zh-CN.js']) {
  languages[file.replace('.js', '')] = (await import(new URL(`lang/${file}`, ROOT).href)).default;
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(js|html)$/.test(name) && !name.startsWith('lang'))
  .map((name) => [name, readFileSync(new URL(name, ROOT), 'utf8')] as const);
const sources = files.map(([, text]) => text).join('\n');

test('has the same texts with the same placeholders in both languages', () => {
  const { en = {}, 'zh-CN': chinese = {} } = languages;
  expect(Object.keys(chinese).sort()).toEqual(Object.keys(en).sort());
  // A Chinese text may omit the English message of the daemon if it is complete without it.
  const withoutMessage = (text?: string) => valuesOf(text).filter((name) => name !== 'message');
  for (const [key, text] of Object.entries(en))
    expect([key, withoutMessage(chinese[key])]).toEqual([key, withoutMessage(text)]);
});

test('has no empty or untranslated Chinese text', () => {
  const left = Object.entries(languages['zh-CN'] ?? {}).filter(
    ([, text]) => !/[\u4e00-\u9fff\uff00-\uffef]|^HTTP API$/.test(text),
  );
  expect(left).toEqual([]);
});

test('uses every text, and defines every text that is used', () => {
  const { en = {} } = languages;
  const requested = [
    ...sources.matchAll(
      /(?:\b(?:t|pieces)\(|data-t(?:-label)?=|'(?=keys\.|help\.))['"]?([a-zA-Z]+(?:\.[a-zA-Z]+)*)['"]/g,
    ),
  ].map(([, key]) => key as string);
  const isThere = (key: string) => key in en || `${key}.other` in en;
  expect(requested.filter((key) => !isThere(key))).toEqual([]);
  // Texts with a computed name: t(`reason.${reason}`).
  const families = [...sources.matchAll(/`([a-zA-Z]+)\.\$\{/g)].map(([, family]) => family);
  const unused = Object.keys(en)
    .map((key) => key.replace(/\.(one|other)$/, ''))
    .filter((key) => !requested.includes(key) && !families.includes(key.split('.')[0]));
  expect([...new Set(unused)]).toEqual([]);
});

test('shows no English error message of the daemon', () => {
  // ApiError holds the message of the daemon; faultText() translates it.
  const readers = files.filter(([, text]) => /\.message\b|\{[^}]*\bmessage\b[^}]*\}\)? \{/.test(text));
  expect(readers.map(([name]) => name).sort()).toEqual(['core/api.js', 'core/events.js', 'core/parts.js']);
});

function valuesOf(text = ''): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string).sort();
}
