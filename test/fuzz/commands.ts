import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import manifest from '../../oclif.manifest.json' with { type: 'json' };
import { type CliResult, runCli } from '../support/runCli.ts';

/** A command line, in a form that can be saved in a file. */
export interface CommandCase {
  argv: string[];
  env: Record<string, string>;
}

/** The daemon that commands call, and the directory in which they run. */
export interface CommandEnvironment {
  addr: string;
  /** The working directory of commands, otherwise empty. */
  folder: string;
}

interface Flag {
  name: string;
  type: string;
  env?: string;
  options?: string[];
}

/** Upper bound of the time that a command needs to stop, on any machine. */
const GIVE_UP_MS = 60_000;
const STOP_EVERY_MS = 100;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_CODES = [0, 1, 2, 3, 4, 130];

const TEXTS = [
  ...[
    '',
    ' ',
    '0',
    '1',
    '-1',
    '1.5',
    '1e9',
    'NaN',
    '10s',
    '1ms',
    '0s',
    '30d',
    '99999999999999999999d',
    '--',
    '-',
    '-x',
    '--json',
  ],
  ...[
    'alice',
    '用户',
    'é'.repeat(200),
    'x'.repeat(10_000),
    'a b',
    'a\nb',
    '\u001b[31m',
    '%s',
    '$(x)',
    '*',
    '../x',
    '.',
    'a=b',
    'a=b,c',
  ],
  ...[
    '=',
    ',',
    ',,',
    ':',
    '::',
    ':0',
    'a:1',
    '127.0.0.1:1',
    '127.0.0.1:0',
    '127.0.0.1:99999',
    '[::1]:1',
    '[::1',
    '127.0.0.1:1,127.0.0.1:2',
  ],
  ...[
    'http://',
    'http://127.0.0.1:1',
    'https://127.0.0.1:1',
    'redis://127.0.0.1:1',
    'redis://127.0.0.1:1/x',
    'rediss://127.0.0.1:1',
  ],
  ...[
    'redis://',
    'redis+cluster://127.0.0.1:1,127.0.0.1:2',
    'redis+cluster://',
    'redis://a:b@:1',
    'redis://%zz@127.0.0.1:1',
    'im//x',
    'im/x',
  ],
];
/** Values of flags with which commands could otherwise listen elsewhere or read a terminal. */
const SAFE: Record<string, string[]> = {
  port: ['0', '-1', '65536', 'x', '', '1.5'],
  addr: ['127.0.0.1', '::1', 'localhost', '256.0.0.1', '', 'a b', '[::1]'],
  'data-dir': ['data', 'data/a/b', 'file', 'file/x', '', '/dev/null/x', '/proc/x'],
  file: ['none', 'file', '.', ''],
};

const commands = Object.values(manifest.commands).filter(({ pluginName }) => pluginName === 'imstate');

function valueFor({ name, options }: Flag): fc.Arbitrary<string> {
  const safe = SAFE[name];
  if (safe) return fc.constantFrom(...safe);
  return fc.oneof(fc.constantFrom(...TEXTS), fc.constantFrom(...(options ?? ['10.0.0.1:9000', '1s'])), odd);
}

/** A command line and an environment cannot hold U+0000. */
const odd = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', ''));

function given(flag: Flag): fc.Arbitrary<string[]> {
  const name = fc.oneof(
    { weight: 20, arbitrary: fc.constant(`--${flag.name}`) },
    { weight: 1, arbitrary: fc.constant(`--${flag.name}x`) },
  );
  if (flag.type === 'boolean') return name.map((word) => [word]);
  return fc
    .tuple(name, valueFor(flag), fc.boolean())
    .map(([word, value, isJoined]) => (isJoined ? [`${word}=${value}`] : [word, value]));
}

function set(flag: Flag): fc.Arbitrary<[string, string]> {
  return valueFor(flag).map((value) => [flag.env as string, value]);
}

/** Any command with some arguments and some flags, given directly or by environment variables. */
export const commandCases: fc.Arbitrary<CommandCase> = fc.constantFrom(...commands).chain(({ id, flags }) => {
  const all = Object.values<Flag>(flags);
  const ofEnvironment = all.filter(({ env }) => env !== undefined);
  const word = fc.oneof(fc.constantFrom('alice', 'phone'), fc.constantFrom(...TEXTS), odd);
  return fc
    .record({
      words: fc.array(word, { maxLength: 3 }),
      flags: someOf(all, 4).chain((some) => fc.tuple(...some.map(given))),
      env: someOf(ofEnvironment, 3).chain((some) => fc.tuple(...some.map(set))),
    })
    .map((made) => ({
      argv: [...id.split(':'), ...made.words, ...made.flags.flat()],
      env: Object.fromEntries(made.env),
    }));
});

function someOf(flags: Flag[], max: number): fc.Arbitrary<Flag[]> {
  return fc.subarray(flags, { maxLength: Math.min(max, flags.length) });
}

/** Runs a command, and stops it if it does not end; describes what is wrong with its result. */
export async function faultOfCommand(
  { argv, env }: CommandCase,
  { addr, folder }: CommandEnvironment,
): Promise<string | undefined> {
  const usual = {
    IMSTATE_ENDPOINT: addr,
    IMSTATE_TIMEOUT: '200ms',
    IMSTATE_START_TIMEOUT: '100ms',
    IMSTATE_PORT: '0',
    IMSTATE_DATA_DIR: `${folder}/data`,
    IMSTATE_LOG_LEVEL: 'silent',
    // Protects the contexts of whoever runs this.
    XDG_CONFIG_HOME: `${folder}/config`,
  };
  const over = new AbortController();
  const before = listenersOf(SIGNALS);
  try {
    const result = await Promise.race([runCli(argv, { ...usual, ...env }), stopped(over.signal)]);
    return result === undefined ? 'it does not end' : faultOf(result);
  } catch (error) {
    return `it threw ${(error as Error).stack}`;
  } finally {
    over.abort();
    // Commands do not remove listeners that would end with their process.
    for (const [name, listener] of listenersOf(SIGNALS)) {
      if (!before.some(([, known]) => known === listener)) process.off(name, listener);
    }
  }
}

function listenersOf(names: readonly NodeJS.Signals[]): [NodeJS.Signals, NodeJS.SignalsListener][] {
  return names.flatMap((name) =>
    process.listeners(name).map((listener) => [name, listener] as [NodeJS.Signals, NodeJS.SignalsListener]),
  );
}

/** Emits SIGHUP when the command listens for it; resolves if the command still does not end. */
async function stopped(over: AbortSignal): Promise<undefined> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  let isSignalled = false;
  while (!over.aborted && Date.now() < giveUpAt) {
    await delay(STOP_EVERY_MS);
    if (isSignalled || over.aborted || process.listenerCount('SIGHUP') === 0) continue;
    isSignalled = true;
    process.emit('SIGHUP', 'SIGHUP');
  }
}

function faultOf({ stdout, stderr, exitCode }: CliResult): string | undefined {
  if (!EXIT_CODES.includes(exitCode)) return `exit code ${exitCode}`;
  if (/\n\s+at \S/.test(stderr + stdout) || /"code":\s*"INTERNAL"/.test(stdout))
    return `a stack: ${stderr}${stdout}`;
  if (/\(node:\d+\)/.test(stderr)) return `a warning of Node.js: ${stderr}`;
  const errors = stderr.split('\n').filter((line) => line.startsWith('Error: '));
  const isJson = stdout.trimStart().startsWith('{');
  // doctor reports failures in its lines.
  const isReport = /^\d+ ok, .*\d+ failed/m.test(stdout);
  if (exitCode >= 2 && exitCode !== 130 && errors.length !== 1 && !isJson && !isReport) {
    return `exit code ${exitCode} and ${errors.length} errors: ${stderr}${stdout}`;
  }
  return undefined;
}
