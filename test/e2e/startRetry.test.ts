import { expect, inject, test } from 'vitest';
import { runImstate } from '../support/imstate.ts';
import { freePort } from '../support/servers.ts';

test('retries until --start-timeout while etcd refuses connections', async () => {
  const etcd = `127.0.0.1:${await freePort()}`;
  const args = ['serve', '--port', '0', '--redis', inject('redisUrl'), '--etcd', etcd];
  const { stderr, exitCode } = await runImstate([...args, '--start-timeout', '2s', '--log-level', 'warn']);
  expect(stderr).toContain('start delayed: retrying');
  expect(stderr).toMatch(/^Error: etcd cannot be reached/m);
  expect(exitCode).toBe(3);
});
