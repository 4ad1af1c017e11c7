import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../support/credentials.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Runs imstate in a shell, after `limits` and with `redirection`. */
function run(limits: string, args: string[], redirection = '') {
  const script = `${limits} exec "$0" "$@" ${redirection}`;
  return spawnSync('bash', ['-c', script, process.execPath, BIN, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
    // Otherwise oclif starts a thread to load TypeScript; without free files, Node.js waits for it forever.
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

// Enough to start Node.js and the command, but not enough for a daemon that serves. The error of Node.js
// depends on what it is loading when files run out.
test.each([22, 30, 36, 37, 38, 39, 40, 41, 42, 44, 48])(
  'prints one sentence if %i open files are too few',
  async (files) => {
    const args = ['serve', '--port', '0', '--data-dir', join(await scratchDirectory(), 'data')];
    const human = run(`ulimit -n ${files};`, args);
    expect(human.stderr).toMatch(/^Error: .*EMFILE.*ulimit -n.*\n$/);
    expect(human.status).toBe(3);
    const json = run(`ulimit -n ${files};`, [...args, '--json']);
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: 'SYSTEM_ERROR', message: expect.stringContaining('raise the limit of this process') },
    });
  },
);

test.each([
  ['--version'],
  ['--help'],
  ['completion', 'bash'],
  ['context', 'list'],
  ['endpoints', '--endpoint', '127.0.0.1:1', '--json'],
])('prints one sentence for %s on a full disk', (...args) => {
  const { stderr, status } = run('', args, '> /dev/full');
  expect(stderr).toMatch(/^Error: the output cannot be written: ENOSPC \(write\): [^\n]*\n$/);
  expect(status).toBe(3);
});
