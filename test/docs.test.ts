import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import manifest from '../oclif.manifest.json' with { type: 'json' };

const readme = readFileSync('README.md', 'utf8');
const rows = [...readme.matchAll(/^\| `--([a-z-]+)` \| `([A-Z_]+)` \|/gm)].map(
  ([, flag, env]) => `--${flag} ${env}`,
);

interface Flag {
  name: string;
  env?: string;
}

const commands = Object.values(manifest.commands).filter(({ pluginName }) => pluginName === 'imstate');
const flags = commands
  .flatMap((command) => Object.values<Flag>(command.flags))
  .filter(({ env }) => env !== undefined)
  .map(({ name, env }) => `--${name} ${env}`);

test("README's configuration has every flag with its environment variable, and no other", () => {
  expect([...new Set(rows)].sort()).toEqual([...new Set(flags)].sort());
});

test('every flag has a variable of its own name', () => {
  for (const flag of flags) {
    const [name, env] = flag.split(' ');
    expect(env).toBe(`IMSTATE_${name?.slice(2).replaceAll('-', '_').toUpperCase()}`);
  }
});

test('only what evict is to end never comes from the environment', () => {
  for (const { id, flags: own } of commands) {
    const without = Object.values<Flag>(own).filter(({ env }) => env === undefined);
    expect([id, without.map(({ name }) => name)]).toEqual([
      id,
      id === 'evict' ? ['server-addr', 'user', 'device', 'session', 'yes'].sort(byOwn(own)) : [],
    ]);
  }
});

test('each test that docs/reliability.md names is there, and each test of faults is named', () => {
  const page = readFileSync('docs/reliability.md', 'utf8');
  const named = new Set([...page.matchAll(/`(test\/[^`]+)`/g)].map(([, path]) => path as string));
  expect([...named].filter((path) => !existsSync(path))).toEqual([]);
  const faults = readdirSync('test/e2e/faults').filter((name) => name.endsWith('.test.ts'));
  expect(faults.filter((name) => !named.has(`test/e2e/faults/${name}`))).toEqual([]);
});

function byOwn(own: object): (a: string, b: string) => number {
  const names = Object.keys(own);
  return (a, b) => names.indexOf(a) - names.indexOf(b);
}
