import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { disposables } from '../../support/disposables.ts';
import { runCli } from '../../support/runCli.ts';
import { temporaryDirectory } from '../../support/servers.ts';

const isInstalled = (program: string) => spawnSync('which', [program]).status === 0;

const BIN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));

const CONTEXT_COMMANDS = ['current', 'list', 'remove', 'rename', 'set', 'show', 'use'];

let folder: string;
/** The environment in which shells find imstate, and imstate finds the contexts. */
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  const made = await temporaryDirectory();
  disposables.push(() => made.remove());
  folder = made.path;
  await writeFile(join(folder, 'a token'), '');
  await mkdir(join(folder, 'a folder'));
  await mkdir(join(folder, 'imstate'));
  const contexts = { prod: {}, pre: {}, try: {} };
  await writeFile(join(folder, 'imstate', 'contexts.json'), JSON.stringify({ contexts }));
  await mkdir(join(folder, 'bin'));
  const program = `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`;
  await writeFile(join(folder, 'bin', 'imstate'), program, { mode: 0o755 });
  const PATH = `${join(folder, 'bin')}:${process.env.PATH}`;
  env = { ...process.env, PATH, XDG_CONFIG_HOME: folder, IMSTATE_JSON: '1' };
});

/** Writes the script of a shell to a file, and returns its path. */
async function scriptOf(shell: string): Promise<string> {
  const { stdout, exitCode } = await runCli(['completion', shell]);
  expect(exitCode).toBe(0);
  const script = join(folder, 'script');
  await writeFile(script, stdout);
  return script;
}

/** The sorted output lines of a shell. */
async function linesOf(shell: string, ...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)(shell, args, { cwd: folder, env });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean).sort();
}

/** The completions of bash after these words, split as bash does. */
async function inBash(...words: string[]): Promise<string[]> {
  const code = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _imstate; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf('bash', '--norc', '-c', code, 'bash', await scriptOf('bash'), 'imstate', ...words);
}

/** The completions of fish after this line. */
async function inFish(line: string): Promise<string[]> {
  const offers = await linesOf(
    'fish',
    '--no-config',
    '-c',
    'source $argv[1]; complete -C $argv[2]',
    await scriptOf('fish'),
    line,
  );
  return offers.map((offer) => offer.split('\t')[0] as string);
}

/** Makes zsh write its completions to a file, and exit. */
const ZSHRC = `
autoload -Uz compinit; compinit -u -D
source $SCRIPT
compadd() {
  # With these options, compadd only searches for matches.
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a offers
  builtin compadd -A offers "$@"
  print -rl -- "\${(@Q)offers}" >>$OFFERS
  builtin compadd "$@"
}
comppostfuncs=(exit)
`;

/** The completions of zsh after this line, typed on a separate terminal. */
async function inZsh(line: string): Promise<string[]> {
  const offers = join(folder, 'offers');
  await writeFile(offers, '');
  await writeFile(join(folder, '.zshrc'), ZSHRC);
  const settings = `SCRIPT=${await scriptOf('zsh')} OFFERS=${offers} ZDOTDIR=${folder}`;
  const code = `zmodload zsh/zpty; zpty shell "$1 zsh -d -i"; zpty -w -n shell "$2"$'\\t'; while zpty -r shell seen; do :; done`;
  await linesOf('zsh', '-f', '-c', code, 'zsh', settings, line);
  // zsh searches for files in several ways, and removes duplicates.
  return [...new Set((await readFile(offers, 'utf8')).split('\n').filter(Boolean))].sort();
}

describe('bash', () => {
  test('completes commands and the commands of a topic', async () => {
    expect(await inBash('se')).toEqual(['serve', 'servers', 'sessions']);
    expect(await inBash('context', '')).toEqual(CONTEXT_COMMANDS);
  });

  test('completes the flags of the command', async () => {
    expect(await inBash('online', 'alice', '--po')).toEqual(['--policy']);
    expect(await inBash('context', 'set', '--redis')).toEqual([]);
    expect(await inBash('serve', '--redis')).toContain('--redis-url-file');
    expect(await inBash('query', '--', '--')).toEqual([]);
  });

  test('completes the values of a flag', async () => {
    expect(await inBash('online', '--policy', 'replace-s')).toEqual(['replace-same-platform']);
    expect(await inBash('online', '--policy', '=', 'k')).toEqual(['keep-all']);
    expect(await inBash('query', '--token-file', 'a')).toEqual(['a folder', 'a token']);
    expect(await inBash('query', '--data-dir', 'a')).toEqual(['a folder']);
    expect(await inBash('query', '--service', '')).toEqual([]);
  });

  test('completes the first argument and the names of contexts', async () => {
    expect(await inBash('completion', '')).toEqual(['bash', 'fish', 'zsh']);
    expect(await inBash('context', 'use', 'pr')).toEqual(['pre', 'prod']);
    expect(await inBash('query', '--context', 'p')).toEqual(['pre', 'prod']);
    expect(await inBash('context', 'use', '--')).toEqual(['--help', '--help-all', '--json', '--output']);
    expect(await inBash('query', 'alice', '-o', '')).toEqual(['json', 'text']);
  });

  test('completes the flags of two-word commands', async () => {
    expect(await inBash('token', '')).toEqual(['create', 'list', 'revoke']);
    expect(await inBash('token', 'create', '--role', '')).toEqual(['admin', 'reader', 'writer']);
  });
});

describe.skipIf(!isInstalled('fish'))('fish', () => {
  test('completes commands, flags and values of flags', async () => {
    expect(await inFish('imstate se')).toEqual(['serve', 'servers', 'sessions']);
    expect(await inFish('imstate context ')).toEqual(CONTEXT_COMMANDS);
    expect(await inFish('imstate online alice --po')).toEqual(['--policy']);
    expect(await inFish('imstate online --policy replace-s')).toEqual(['replace-same-platform']);
    expect(await inFish('imstate query --token-file a')).toEqual(['a folder/', 'a token']);
    expect(await inFish('imstate query --data-dir a')).toEqual(['a folder/']);
    expect(await inFish('imstate completion ')).toEqual(['bash', 'fish', 'zsh']);
    expect(await inFish('imstate context use p')).toEqual(['pre', 'prod']);
    expect(await inFish('imstate query --context p')).toEqual(['pre', 'prod']);
    expect(await inFish('imstate query -o ')).toEqual(['json', 'text']);
  });
});

describe.skipIf(!isInstalled('zsh'))('zsh', () => {
  test('completes commands, flags and values of flags', async () => {
    expect(await inZsh('imstate se')).toEqual(['serve', 'servers', 'sessions']);
    expect(await inZsh('imstate context ')).toEqual(CONTEXT_COMMANDS);
    expect(await inZsh('imstate online alice --po')).toEqual(['--policy']);
    expect(await inZsh('imstate online --policy replace-s')).toEqual(['replace-same-platform']);
    expect(await inZsh('imstate query --token-file a')).toEqual(['a folder', 'a token']);
    expect(await inZsh('imstate query --data-dir=a')).toEqual(['a folder']);
    expect(await inZsh('imstate completion ')).toEqual(['bash', 'fish', 'zsh']);
    expect(await inZsh('imstate context use p')).toEqual(['pre', 'prod']);
    expect(await inZsh('imstate query --context p')).toEqual(['pre', 'prod']);
    expect(await inZsh('imstate query -o ')).toEqual(['json', 'text']);
  });
});

test('rejects other shells', async () => {
  const { stderr, exitCode } = await runCli(['completion', 'csh']);
  expect(stderr).toBe('Error: Expected csh to be one of: bash, zsh, fish; --help shows how\n');
  expect(exitCode).toBe(2);
});
