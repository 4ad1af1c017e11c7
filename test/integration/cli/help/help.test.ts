import { describe, expect, test } from 'vitest';
import manifest from '../../../../oclif.manifest.json' with { type: 'json' };
import { runCli } from '../../../support/runCli.ts';
import { TestTerminal } from '../../../support/terminal.ts';

interface Flag {
  name: string;
  description: string;
  helpGroup?: string;
}

const commands = Object.values(manifest.commands).filter(({ pluginName }) => pluginName === 'imstate');
const words = (id: string) => id.split(':');
const longest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));
/** The flags that a help lists, in order. */
const flagsIn = (help: string) =>
  [...help.matchAll(/^ +(?:-\w, )?--([a-z-]+)(?==| |$)/gm)].map(([, name]) => name);

describe.each(commands)('imstate $id --help', ({ id, flags, summary, description }) => {
  const all = Object.values<Flag>(flags);
  const connection = id === 'context:set' ? [] : all.filter(({ helpGroup }) => helpGroup === 'CONNECTION');

  test('fits 80 columns, and breaks no word', async () => {
    const { stdout, exitCode } = await runCli([...words(id), '--help']);
    expect(exitCode).toBe(0);
    expect(longest(stdout)).toBeLessThanOrEqual(80);
    const shown = stdout.split(/\s+/);
    const said = `${summary} ${description} ${all.map((flag) => flag.description).join(' ')}`;
    const own = said.replaceAll('<%= config.bin %>', 'imstate').split(/\s+/);
    const hidden = connection.flatMap((flag) => flag.description.split(/\s+/));
    expect(own.filter((word) => !shown.includes(word) && !hidden.includes(word))).toEqual([]);
  });

  test('has its own flags first, and those of the connection in one line', async () => {
    const { stdout } = await runCli([...words(id), '--help']);
    const shown = flagsIn(stdout.split('\nDESCRIPTION\n')[0] as string);
    expect([...shown].sort()).toEqual(
      all
        .filter((flag) => !connection.includes(flag))
        .map(({ name }) => name)
        .sort(),
    );
    const isShared = (name?: string) => all.find((flag) => flag.name === name)?.helpGroup === 'GLOBAL';
    expect(shown.slice(shown.findIndex(isShared)).every(isShared)).toBe(true);
    const line = `\nCONNECTION FLAGS\n  ${connection.length} flags such as --endpoint, --etcd and --tls: imstate help connection\n`;
    expect(stdout.includes('CONNECTION FLAGS')).toBe(connection.length > 0);
    if (connection.length > 0) expect(stdout).toContain(line);
  });

  test('has two or three examples that name the command', async () => {
    const { stdout } = await runCli([...words(id), '--help']);
    const examples = (stdout.split('\nEXAMPLES\n')[1] ?? '').trim().split('\n\n');
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(examples.length).toBeLessThanOrEqual(3);
    for (const example of examples) expect(example).toContain(`imstate ${words(id).join(' ')}`);
  });

  test('--help-all has every flag, with its environment variable', async () => {
    const { stdout } = await runCli([...words(id), '--help-all']);
    const shown = flagsIn(stdout.split('\nDESCRIPTION\n')[0] as string);
    expect(shown.sort()).toEqual(all.map(({ name }) => name).sort());
    expect(stdout).toContain('[env: IMSTATE_JSON]');
    expect(longest(stdout)).toBeLessThanOrEqual(80);
  });
});

test('help connection has the flags of the connection, with their environment variables', async () => {
  const { stdout } = await runCli(['help', 'connection']);
  const { flags } = manifest.commands.query;
  const expected = Object.values<Flag>(flags).filter(({ helpGroup }) => helpGroup === 'CONNECTION');
  expect(flagsIn(stdout).sort()).toEqual(expected.map(({ name }) => name).sort());
  expect(stdout).toContain('[env: IMSTATE_ETCD]');
});

test('the root help lists commands and topics, and says where more is', async () => {
  const { stdout } = await runCli(['--help']);
  for (const { id } of commands) expect(stdout).toMatch(new RegExp(`^ {2}${words(id)[0]} `, 'm'));
  expect(stdout).toMatch(/imstate COMMAND --help-all/);
  expect(longest(stdout)).toBeLessThanOrEqual(80);
});

test('--help-all at the root lists the commands of topics too', async () => {
  const { stdout } = await runCli(['--help-all']);
  for (const { id } of commands) expect(stdout).toMatch(new RegExp(`^ {2}${words(id).join(' ')} `, 'm'));
});

test.each([
  [['help', 'onlin'], 'Error: "onlin" is not a command of imstate: did you mean online?\n'],
  [['qeury', '--help'], 'Error: "qeury" is not a command of imstate: did you mean query?\n'],
  [
    ['context', 'lst', '--help'],
    'Error: "context lst" is not a command of imstate: did you mean context list?\n',
  ],
])('%j names the nearest command', async (args, stderr) => {
  expect(await runCli(args)).toEqual({ stdout: '', stderr, exitCode: 2 });
});

test('a narrow terminal shows each meaning below its flag', async () => {
  const terminal = await TestTerminal.start(['serve', '--help'], { columns: 40, rows: 400 });
  expect(await terminal.ended).toBe(0);
  expect(terminal.output).toMatch(/--port=.*PORT.*\r?\n {6}port to listen on; 0 picks a free\r?\n {6}one/);
});
