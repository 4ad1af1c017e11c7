import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { startTestDaemon } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import { type ImstateProcess, spawnImstate, startImstate } from '../../support/imstate.ts';
import { runCli } from '../../support/runCli.ts';
import { freePort, startEtcd, startRedis } from '../../support/servers.ts';
import { ISO } from '../../support/testCli.ts';
import { until } from '../../support/until.ts';

/** The options that the daemons of a test share. */
function shared(redis = inject('redisUrl')) {
  return {
    redis,
    keyPrefix: `test-${randomUUID()}:`,
    etcd: inject('etcdHost'),
    service: `test/${randomUUID()}`,
  };
}

function watch({ etcd, service }: ReturnType<typeof shared>, ...flags: string[]): ImstateProcess {
  const started = spawnImstate(['endpoints', '--watch', '--etcd', etcd, '--service', service, ...flags]);
  disposables.push(async () => {
    started.signal('SIGKILL');
    await started.ended;
  });
  return started;
}

const printed = ({ stdout }: ImstateProcess, text: string | RegExp) =>
  until(() => stdout().match(text), `${text} is printed`);
const eventsOf = ({ stdout }: ImstateProcess) =>
  (stdout().match(/.*\n/g) ?? []).map((line) => JSON.parse(line) as Record<string, unknown>);

test('prints the list, then added and removed daemons', async () => {
  const config = shared();
  const text = watch(config);
  const json = watch(config, '--json');
  await printed(text, `no daemon is registered as ${config.service}`);
  await until(() => eventsOf(json).length === 1, 'the list is printed');
  const first = await startTestDaemon(config);
  disposables.push(() => first.remove());
  await printed(text, new RegExp(`^\\S+ \\S+Z  ${first.addr}  added: SERVING  [\\d.]+ ms$`, 'm'));
  const late = watch(config);
  await printed(late, new RegExp(`^${first.addr} +SERVING`, 'm'));
  await first.stop();
  await printed(text, new RegExp(`^\\S+ \\S+Z  ${first.addr}  left the registry$`, 'm'));
  await until(() => eventsOf(json).at(-1)?.type === 'removed', 'the removal is printed');
  const [list, ...changes] = eventsOf(json);
  expect(list).toEqual({ type: 'list', service: config.service, endpoints: [] });
  const { addr } = first;
  const time = expect.stringMatching(ISO);
  expect(changes[0]).toEqual({ type: 'added', addr, health: 'SERVING', latencyMs: expect.any(Number), time });
  expect(changes.at(-1)).toEqual({ type: 'removed', addr, time });
  for (const started of [text, json, late]) started.signal('SIGINT');
  for (const { ended, stderr } of [text, json, late]) {
    expect(await ended).toBe(0);
    expect(stderr()).toBe('');
  }
});

test('prints changes of health when the store is unavailable and available again', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const config = shared(redis.url);
  const daemon = await startTestDaemon(config);
  disposables.push(() => daemon.remove());
  const json = watch(config, '--json');
  const health = () => eventsOf(json).flatMap((event) => (event.type === 'health' ? [event.health] : []));
  await until(() => eventsOf(json).length > 0, 'the list is printed');
  await redis.kill();
  await until(() => health().at(-1) === 'NOT_SERVING', 'the daemon is NOT_SERVING');
  await redis.restart();
  await until(() => health().at(-1) === 'SERVING', 'the daemon is SERVING again');
});

test('prints the removal of a killed daemon when its lease expires', async () => {
  const { redis, keyPrefix, etcd, service } = shared();
  const flags = ['--redis', redis, '--key-prefix', keyPrefix, '--etcd', etcd, '--service', service];
  const daemon = await startImstate('serve', '--port', '0', '--lease-ttl', '2s', ...flags);
  disposables.push(() => daemon.kill());
  const text = watch({ redis, keyPrefix, etcd, service });
  await printed(text, daemon.addr);
  await daemon.kill();
  await printed(text, `${daemon.addr}  left the registry`);
});

test('prints an outage of the registry and its end once each', async () => {
  const etcd = await startEtcd();
  disposables.push(() => etcd.stop());
  const config = { ...shared(), etcd: etcd.host };
  const [text, json] = [watch(config), watch(config, '--json')];
  await printed(text, 'no daemon is registered');
  const registryErrors = () =>
    eventsOf(json).flatMap((event) => (event.type === 'registry' ? [event.error] : []));
  await until(() => eventsOf(json).length > 0, 'the list is printed');
  await etcd.kill();
  await until(() => registryErrors().length > 0, 'the outage is printed as JSON');
  await until(() => text.stderr().includes('etcd cannot be reached'), 'the outage is printed as text');
  await etcd.restart();
  await until(() => registryErrors().at(-1) === null, 'the end of the outage is printed');
  await printed(text, /Z {2}the registry answers again\n/);
  expect(registryErrors()[0]).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
});

test('exits with 3 without a registry, with one line for --json', async () => {
  const args = ['endpoints', '--watch', '--etcd', `127.0.0.1:${await freePort()}`, '--json'];
  const { stdout, exitCode } = await runCli(args);
  expect(stdout).toMatch(/^\{"error":\{"code":"REGISTRY_UNAVAILABLE",.*\}\}\n$/);
  expect(exitCode).toBe(3);
});
