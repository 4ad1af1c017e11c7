import { randomUUID } from 'node:crypto';
import { beforeEach, expect, inject, test } from 'vitest';
import { connect } from '../../packages/client/src/index.ts';
import { disposables } from '../support/disposables.ts';
import { type Imstate, runImstate, startImstate } from '../support/imstate.ts';

let daemons: Imstate[];
let endpoints: string[];

beforeEach(async () => {
  const store = ['--redis', inject('redisUrl'), '--key-prefix', `test-${randomUUID()}:`];
  daemons = await Promise.all([1, 2].map(() => startImstate('serve', '--port', '0', ...store)));
  for (const daemon of daemons) {
    disposables.push(async () => {
      daemon.signal('SIGCONT');
      await daemon.kill();
    });
  }
  endpoints = daemons.map(({ addr }) => addr);
});

test('no command fails while one of two daemons is silent', async () => {
  daemons[0]?.signal('SIGSTOP');
  for (let i = 0; i < 3; i++) {
    for (const command of [['query', 'alice'], ['history', 'alice'], ['stats'], ['servers']]) {
      const { exitCode } = await runImstate([...command, '--endpoint', endpoints.join()]);
      expect([command, exitCode]).toEqual([command, 0]);
    }
  }
}, 180_000);

test('no read of a client fails when a connected daemon falls silent', async () => {
  // Less time than gRPC needs to detect the dead connection by pings.
  const client = await connect({ endpoints, timeoutMs: 10_000 });
  disposables.push(() => client.close());
  const reads = [
    () => client.getUser({ userId: 'alice' }),
    () => client.getUsers(['alice', 'bob']),
    () => client.listHistory({ userId: 'alice' }),
    () => client.getStats(),
  ];
  // Round robin calls each daemon.
  for (const read of [...reads, ...reads]) await read();
  daemons[0]?.signal('SIGSTOP');
  for (const read of [...reads, ...reads]) await read();
}, 180_000);
