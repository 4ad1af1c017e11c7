import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { configSchema } from '../../build/configSchema.ts';
import manifest from '../../oclif.manifest.json' with { type: 'json' };

const READMES = ['README.md', 'README.zh-CN.md'];

/** The rows of docs/flags.md: a flag with its variable and the other columns. */
const rows = [
  ...readFileSync('docs/flags.md', 'utf8').matchAll(/^\| `--([a-z-]+)` \| `([A-Z_]+)` \|(.*)\|$/gm),
].map(([, name, env, text = '']) => ({ flag: `--${name} ${env}`, name, text }));

interface Flag {
  name: string;
  env?: string;
  helpGroup?: string;
  default?: unknown;
}

const commands = Object.values(manifest.commands).filter(({ pluginName }) => pluginName === 'imstate');
const flags = commands
  .flatMap((command) => Object.values<Flag>(command.flags))
  .filter(({ env }) => env !== undefined)
  .map(({ name, env }) => `--${name} ${env}`);

test('lists exactly the flags and environment variables in docs/flags.md', () => {
  expect([...new Set(rows.map(({ flag }) => flag))].sort()).toEqual([...new Set(flags)].sort());
});

test('lists the defaults of the flags in docs/flags.md', () => {
  for (const { id, flags: own } of commands)
    for (const { name, env, default: usual } of Object.values<Flag>(own)) {
      if (env === undefined || usual === undefined || usual === false) continue;
      const row = rows.find((each) => each.name === name);
      expect(`${id} --${name}:${row?.text}`).toContain(`\`${usual}\``);
    }
});

test('names the variable of every flag after the flag', () => {
  for (const flag of flags) {
    const [name, env] = flag.split(' ');
    expect(env).toBe(`IMSTATE_${name?.slice(2).replaceAll('-', '_').toUpperCase()}`);
  }
});

/** Flags that no variable may set, which was meant for another command. */
const WITHOUT_ENVIRONMENT: Record<string, string[]> = {
  drain: ['cancel'],
  evict: ['server-addr', 'user', 'device', 'session', 'reason', 'file', 'yes'],
  'upgrade:finish': ['force', 'yes'],
  'user:erase': ['yes'],
};

test('reads all flags from the environment, except those that end or exclude something and the settings of a context', () => {
  for (const { id, flags: own } of commands.filter((command) => command.id !== 'context:set')) {
    const without = Object.values<Flag>(own).filter(({ env }) => env === undefined);
    expect([id, without.map(({ name }) => name)]).toEqual([
      id,
      (WITHOUT_ENVIRONMENT[id] ?? []).sort(byOwn(own)),
    ]);
  }
});

test('generates docs/imstate.schema.json from the flags', () => {
  const schema = `${JSON.stringify(configSchema(), null, 2)}\n`;
  expect(readFileSync('docs/imstate.schema.json', 'utf8')).toBe(schema);
});

test('documents every command with its flags in docs/commands, with an index', () => {
  const topics = new Set(commands.map(({ id }) => id.split(':')[0] as string));
  const pages = readdirSync('docs/commands').filter((page) => page !== 'help.md' && page !== 'README.md');
  expect(pages).toEqual([...topics].map((topic) => `${topic}.md`).sort());
  const index = linksOf('docs/commands/README.md');
  for (const topic of topics) expect(index).toContain(`${topic}.md`);
  for (const { id, flags: own } of commands) {
    const page = readFileSync(`docs/commands/${id.split(':')[0]}.md`, 'utf8');
    const part = page
      .split('\n## ')
      .slice(1)
      .find((text) => text.startsWith(`\`imstate ${id.replaceAll(':', ' ')}`));
    const shown = [...(part ?? '').matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name);
    expect([id, [...new Set(shown)].sort()]).toEqual([id, Object.keys(own).sort()]);
  }
});

test('documents every command with its flags in the manual page, in valid roff', () => {
  const plain = readFileSync('dist/man/imstate.1', 'utf8').replaceAll('\\-', '-');
  for (const { id, flags: own } of commands) {
    const part = plain.split('.SS ').find((text) => text.startsWith(`"imstate ${id.replaceAll(':', ' ')}`));
    const [, connection] = plain.split('.SH "CONNECTION FLAGS"');
    for (const { name, helpGroup } of Object.values<Flag>(own))
      expect(helpGroup === 'CONNECTION' ? connection : part).toContain(`\\fB--${name}\\fR`);
  }
  const { error, stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', 'dist/man/imstate.1']);
  if (error !== undefined) return; // groff may be missing.
  expect(stderr.toString()).toBe('');
  expect(stdout.toString()).toContain('query');
});

test('names only existing tests in docs/reliability.md, and every test of faults', () => {
  const page = readFileSync('docs/reliability.md', 'utf8');
  const named = new Set([...page.matchAll(/`(test\/[^`]+)`/g)].map(([, path]) => path as string));
  expect([...named].filter((path) => !existsSync(path))).toEqual([]);
  const faults = readdirSync('test/faults').filter((name) => name.endsWith('.test.ts'));
  expect(faults.filter((name) => !named.has(`test/faults/${name}`))).toEqual([]);
});

test('lists exactly the alerts in docs/runbook.md', () => {
  const alerts = [...readFileSync('deploy/alerts.yaml', 'utf8').matchAll(/alert: (\w+)/g)].map(
    ([, name]) => name,
  );
  const page = readFileSync('docs/runbook.md', 'utf8');
  const documented = [...page.matchAll(/^\| `(Imstate\w+)` \|/gm)].map(([, name]) => name);
  expect(alerts.length).toBeGreaterThan(5);
  expect(documented).toEqual(alerts);
});

test('links only to existing files and headings of the repository', () => {
  const links = pages().flatMap((page) => linksOf(page).map((link) => ({ page, link })));
  expect(links.length).toBeGreaterThan(100);
  expect(links.filter(({ page, link }) => !isThere(page, link))).toEqual([]);
});

test('lists every page in docs/README.md', () => {
  const listed = linksOf('docs/README.md').map((link) => link.split('#')[0]);
  const own = readdirSync('docs').filter((name) => name.endsWith('.md') && name !== 'README.md');
  expect(own.filter((page) => !listed.includes(page))).toEqual([]);
});

test.each(READMES)('keeps %s short, and its commands leave no user online', (page) => {
  const text = readFileSync(page, 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  const logins = text.split('\n').filter((line) => line.includes('imstate online '));
  expect(logins.length).toBeGreaterThan(0);
  expect(logins.filter((line) => !line.includes(' --ttl '))).toEqual([]);
});

test('keeps sections, commands and outputs of the Chinese README equal to the README', () => {
  const [english = [], chinese = []] = READMES.map((page) => blocksOf(page));
  expect(chinese).toEqual(english);
  const [sections, theirs] = READMES.map((page) => headingsOf(page).length);
  expect(theirs).toBe(sections);
});

/** The Markdown pages of this repository. */
function pages(): string[] {
  const all = readdirSync('.', { recursive: true, encoding: 'utf8' });
  return all.filter((path) => path.endsWith('.md') && !/(^|\/)node_modules\//.test(path));
}

const FENCED = /^(`{3,}).*\n[\s\S]*?^\1$/gm;

function blocksOf(page: string): string[] {
  return readFileSync(page, 'utf8').match(FENCED) ?? [];
}

/** The links of a page into this repository. */
function linksOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(FENCED, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link as string)
    .filter((link) => !/^\w+:/.test(link));
}

function isThere(page: string, link: string): boolean {
  const [path, heading] = link.split('#') as [string, string?];
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  return heading === undefined || (statSync(target).isFile() && headingsOf(target).includes(heading));
}

/** The anchors of the headings of a page, as GitHub generates them. */
function headingsOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(FENCED, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function byOwn(own: object): (a: string, b: string) => number {
  const names = Object.keys(own);
  return (a, b) => names.indexOf(a) - names.indexOf(b);
}
