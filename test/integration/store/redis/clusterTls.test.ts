import { describe, expect, test } from 'vitest';
import type { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import type { TlsFiles } from '../../../../packages/client/src/tls/names.ts';
import { STORE_DEFAULTS } from '../../../../src/presence/defaults.ts';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { Authority } from '../../../support/authority.ts';
import { startCluster, startTlsCluster, type TestCluster } from '../../../support/cluster.ts';
import { disposables } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';
import { login } from '../contract/underTest.ts';

const USERS = Array.from({ length: 50 }, (_, i) => `user-${i}`);
const BY_NAME = [
  ...['--cluster-announce-hostname', 'localhost'],
  ...['--cluster-preferred-endpoint-type', 'hostname'],
];

async function untilTheEnd(starting: Promise<TestCluster>): Promise<TestCluster> {
  const cluster = await starting;
  disposables.push(() => cluster.stop());
  return cluster;
}

function storeAt(url: string, tls?: TlsFiles): RedisStore {
  const store = new RedisStore({ ...STORE_DEFAULTS, url, tls, shards: undefined });
  disposables.push(() => store.close());
  return store;
}

/** Opens the store when its nodes have agreed on their slots, and expects that it uses each master. */
async function expectUsable(store: RedisStore): Promise<void> {
  const isOpen = () =>
    store.open().then(
      () => true,
      () => false,
    );
  await until(isOpen, 'the cluster is open');
  await Promise.all(USERS.map((userId) => store.online(login({ userId }))));
  expect(await store.getStats()).toMatchObject({ users: USERS.length });
}

const byName = (url: string) => url.replaceAll('127.0.0.1', 'localhost');

describe('a cluster with TLS whose certificates name hosts', () => {
  test('is reached by the hosts that it announces', async () => {
    const authority = await Authority.make();
    const pair = await authority.issue({ subject: 'redis', names: ['DNS:localhost'] });
    const { url } = await untilTheEnd(startTlsCluster(3, { ca: authority.file, ...pair }, ...BY_NAME));
    await expectUsable(storeAt(byName(url), { ca: authority.file }));
  });

  test('is rejected with the TLS error and the remedy', async () => {
    const authority = await Authority.make();
    const pair = await authority.issue({ subject: 'redis', names: ['DNS:localhost'] });
    const { url } = await untilTheEnd(startTlsCluster(3, { ca: authority.file, ...pair }));
    const refusal = (at: string, tls?: TlsFiles) =>
      storeAt(at, tls)
        .open()
        .catch(({ code, message }: ImstateError) => ({ code, message }));
    expect(await refusal(byName(url))).toEqual({
      code: 'TLS_FAILED',
      message: expect.stringMatching(/a CA that is not trusted here .* with --redis-tls-ca$/),
    });
    const otherName = {
      code: 'TLS_FAILED',
      message: expect.stringMatching(/another name .*: name its nodes .*cluster-announce-hostname/),
    };
    expect(await refusal(url, { ca: authority.file })).toEqual(otherName);
    // The first node is reached by name, and lists all nodes by address.
    expect(await refusal(byName(url), { ca: authority.file })).toEqual(otherName);
  });
});

describe('a cluster whose nodes', () => {
  test.each([
    ['name no endpoint', ['--cluster-preferred-endpoint-type', 'unknown-endpoint']],
    ['announce no host name, though it is preferred', ['--cluster-preferred-endpoint-type', 'hostname']],
    ['announce a host name', BY_NAME],
  ])('%s is reached', async (_, flags) => {
    const cluster = await untilTheEnd(startCluster(3, 0, ...flags));
    await expectUsable(storeAt(byName(cluster.url)));
  });

  test('are partly unknown to the resolver is reached through the others', async () => {
    const { url } = await untilTheEnd(startCluster(3));
    await expectUsable(storeAt(url.replace('//127.0.0.1', '//nowhere.invalid')));
  });
});
