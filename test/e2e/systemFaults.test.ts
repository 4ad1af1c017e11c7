import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/credentials.ts';

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

test('too few open files: one sentence says that the limit must be raised', async () => {
  // Enough to start Node.js and the command; a daemon that serves has some more open.
  const files = 22;
  const args = ['serve', '--port', '0', '--data-dir', join(await scratchFolder(), 'data')];
  const human = run(`ulimit -n ${files};`, args);
  expect(human.stderr).toMatch(/^Error: .*EMFILE.*ulimit -n.*\n$/);
  expect(human.status).toBe(3);
  const json = run(`ulimit -n ${files};`, [...args, '--json']);
  expect(JSON.parse(json.stdout)).toEqual({
    error: { code: 'SYSTEM_ERROR', message: expect.stringContaining('raise its limit') },
  });
});

test.each([['--version'], ['context', 'list'], ['endpoints', '--endpoint', '127.0.0.1:1', '--json']])(
  '%s on a full disk: one sentence',
  (...args) => {
    const { stderr, status } = run('', args, '> /dev/full');
    expect(stderr).toMatch(/^Error: the output cannot be written: ENOSPC \(write\): [^\n]*\n$/);
    expect(status).toBe(3);
  },
);
