import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../support/credentials.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Runs imstate in a shell: `limits` before it, `redirection` behind it. */
function run(limits: string, args: string[], redirection = '') {
  const script = `${limits} exec "$0" "$@" ${redirection}`;
  return spawnSync('bash', ['-c', script, process.execPath, BIN, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
    // Elsewhere oclif starts a thread that loads TypeScript: without files left for it, Node.js waits for it for ever.
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

// Enough to start Node.js and the command; a daemon that serves has some more open. What Node.js says where files run out depends on
// what it loads just then.
test.each([22, 30, 36, 37, 38, 39, 40, 41, 42, 44, 48])(
  '%i open files are too few: one sentence says so',
  async (files) => {
    const args = ['serve', '--port', '0', '--data-dir', join(await scratchDirectory(), 'data')];
    const human = run(`ulimit -n ${files};`, args);
    expect(human.stderr).toMatch(/^Error: .*EMFILE.*ulimit -n.*\n$/);
    expect(human.status).toBe(3);
    const json = run(`ulimit -n ${files};`, [...args, '--json']);
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: 'SYSTEM_ERROR', message: expect.stringContaining('raise its limit') },
    });
  },
);

test.each([
  ['--version'],
  ['--help'],
  ['completion', 'bash'],
  ['context', 'list'],
  ['endpoints', '--endpoint', '127.0.0.1:1', '--json'],
])('%s on a full disk: one sentence', (...args) => {
  const { stderr, status } = run('', args, '> /dev/full');
  expect(stderr).toMatch(/^Error: the output cannot be written: ENOSPC \(write\): [^\n]*\n$/);
  expect(status).toBe(3);
});
