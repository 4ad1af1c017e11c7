import { expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { startImstate } from '../support/imstate.ts';
import { until } from '../support/until.ts';

test('SIGUSR2 turns debug logging of calls on and off', async () => {
  const daemon = await startImstate('serve', '--port', '0', '--log-level', 'warn');
  disposables.push(() => daemon.kill());
  const { v1, close } = grpcClients(daemon.addr);
  disposables.push(close);
  const calls = () => daemon.stderr().match(/"msg":"call"/g)?.length ?? 0;
  const changes = () => daemon.stderr().match(/changed by SIGUSR2/g)?.length ?? 0;

  await v1.getStats();
  daemon.signal('SIGUSR2');
  await until(() => changes() === 1, 'the level is debug');
  await v1.getStats();
  await until(() => calls() === 1, 'only the second call is logged');
  daemon.signal('SIGUSR2');
  await until(() => changes() === 2, 'the level is warn again');
  await v1.getStats();
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(calls()).toBe(1);
});

test('SIGUSR2 turns debug off if the daemon started with it', async () => {
  const daemon = await startImstate('serve', '--port', '0', '--log-level', 'debug');
  disposables.push(() => daemon.kill());
  daemon.signal('SIGUSR2');
  await until(() => /"from":"debug","to":"info"/.test(daemon.stderr()), 'the level is info');
});

test('prints the HTTP address', async () => {
  const daemon = await startImstate('serve', '--port', '0', '--http-port', '0');
  disposables.push(() => daemon.kill());
  expect(daemon.stdout()).toMatch(/^http {6}http:\/\/127\.0\.0\.1:\d+$/m);
});
