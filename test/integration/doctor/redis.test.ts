import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { look, redisWith } from '../../support/doctor.ts';
import { freePort } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

describe('Redis', () => {
  test('that is unavailable fails one check, and the others are skipped', async () => {
    const reports = await look({ redis: `redis://:secret@127.0.0.1:${await freePort()}` });
    expect(reports['redis-dial']).toMatchObject({ status: 'failed', code: 'STORE_UNAVAILABLE' });
    expect(reports['redis-memory']).toMatchObject({ status: 'skipped', message: 'Redis does not respond' });
    expect(JSON.stringify(reports)).not.toContain('secret');
  });

  test('that is frozen delays nothing', async () => {
    const redis = await redisWith();
    redis.freeze();
    disposables.push(() => redis.thaw());
    const reports = await look({ redis: redis.url, timeoutMs: 10_000 });
    expect(reports['redis-dial']).toMatchObject({ status: 'failed' });
    expect(reports['folder-rights']?.status).toBe('ok');
  });

  test('with an unknown name fails at DNS', async () => {
    const reports = await look({ redis: 'redis://redis.invalid:6379' });
    expect(reports['redis-dns']).toMatchObject({ status: 'failed', code: 'STORE_UNAVAILABLE' });
    expect(reports['redis-dns']?.message).toContain('the name redis.invalid is not known here');
    expect((await look({ redis: 'redis://localhost:1' }))['redis-dns']?.message).toMatch(
      /localhost is .*(127\.|::1)/,
    );
  });

  test.each([
    ['allkeys-lru', 'failed', /drops any key .*: CONFIG SET maxmemory-policy noeviction/],
    ['volatile-ttl', 'warning', /history is dropped .*: CONFIG SET maxmemory-policy noeviction/],
    ['noeviction', 'ok', /with noeviction/],
  ])('with the policy %s: %s', async (policy, status, message) => {
    const redis = await redisWith('--maxmemory', '100mb', '--maxmemory-policy', policy);
    const report = (await look({ redis: redis.url }))['redis-memory'];
    expect(report).toMatchObject({ status, message: expect.stringMatching(message) });
    expect(report?.code).toBe(status === 'failed' ? 'UNSUITABLE' : undefined);
  });

  test('that is nearly full warns', async () => {
    const redis = await redisWith('--maxmemory', '1mb');
    expect((await look({ redis: redis.url }))['redis-memory']?.message).toMatch(/raise maxmemory/);
  });

  test('without persistence, and with snapshots only, warns of losses', async () => {
    const [none, snapshots] = [await redisWith(), await redisWith('--save', '60 1000')];
    const judged = async (url: string) => (await look({ redis: url }))['redis-persistence'];
    expect(await judged(none.url)).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/loses everything/),
    });
    const some = await judged(snapshots.url);
    expect(some).toMatchObject({ status: 'warning', message: expect.stringContaining('(save 60 1000)') });
  });

  test('that has fewer replicas than changes wait for fails', async () => {
    const redis = await redisWith();
    const report = (await look({ redis: redis.url, waitReplicas: 1 }))['redis-replicas'];
    expect(report).toMatchObject({ status: 'failed', code: 'STORE_UNAVAILABLE' });
  });

  test('that rejects changes without replicas fails, and says what to do', async () => {
    const redis = await redisWith('--min-replicas-to-write', '1', '--repl-diskless-sync-delay', '0');
    const admin = new Redis(redis.url);
    disposables.push(() => admin.disconnect());
    await expect(admin.set('key', 'value')).rejects.toThrow('NOREPLICAS');
    const judged = async (url = redis.url) => (await look({ redis: url }))['redis-replicas'];
    const found = await judged();
    expect(found).toMatchObject({ status: 'failed', code: 'STORE_UNAVAILABLE' });
    expect(found?.message).toMatch(/min-replicas-to-write is 1, and 0 .*: start replicas, or CONFIG SET/);
    await admin.call('ACL', 'SETUSER', 'less', 'on', '>secret', '~*', '&*', '+@all', '-config');
    const unprivileged = await judged(`redis://less:secret@127.0.0.1:${redis.port}`);
    expect(unprivileged).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('is unknown, and 0 are not behind'),
    });
    await redisWith('--replicaof', `127.0.0.1 ${redis.port}`);
    await until(async () => (await judged())?.status === 'ok', 'the replica is in step');
  });

  test('that is a replica fails, and names its master', async () => {
    const master = await redisWith('--repl-diskless-sync-delay', '0');
    const replica = await redisWith('--replicaof', `127.0.0.1 ${master.port}`);
    const replicas = async () => (await look({ redis: master.url, waitReplicas: 1 }))['redis-replicas'];
    await until(async () => (await replicas())?.status === 'ok', 'the replica is in step');
    const report = (await look({ redis: replica.url }))['redis-topology'];
    expect(report).toMatchObject({ status: 'failed', code: 'UNSUITABLE' });
    expect(report?.message).toContain(`is a replica of 127.0.0.1:${master.port}`);
  });

  test('with too few rights fails, and says which are missing', async () => {
    const redis = await redisWith();
    const admin = new Redis(redis.url);
    disposables.push(() => admin.disconnect());
    const enough = '~im:* &im:* +@all -@admin -@dangerous +info +cluster|slots +cluster|shards'.split(' ');
    await admin.call('ACL', 'SETUSER', 'imstate', 'on', '>secret', ...enough);
    await admin.call('ACL', 'SETUSER', 'less', 'on', '>secret', ...enough, '-hset', 'resetchannels');
    const judged = (user: string) =>
      look({ redis: `redis://${user}:secret@127.0.0.1:${redis.port}`, keyPrefix: 'im:' });
    const good = await judged('imstate');
    expect(good['redis-rights']).toMatchObject({ status: 'ok' });
    // It may not read CONFIG.
    expect(good['redis-persistence']).toMatchObject({ status: 'warning' });
    expect(Object.values(good).filter(({ status }) => status === 'failed')).toEqual([]);
    const bad = (await judged('less'))['redis-rights'];
    expect(bad).toMatchObject({ status: 'failed', code: 'PERMISSION_DENIED' });
    expect(bad?.message).toMatch(
      /may not do HSET im:\{0\}:x, HSET im:policies, HSET im:relays, PUBLISH im:bell, SUBSCRIBE im:bell, /,
    );
    const ofShards = enough.flatMap((rule) => (rule === '~im:*' ? ['~im:{*', '~im:layout'] : rule));
    await admin.call('ACL', 'SETUSER', 'shards', 'on', '>secret', ...ofShards);
    expect((await judged('shards'))['redis-rights']?.message).toContain(
      'may not do LPUSH im:audit, HSET im:policies, HSET im:relays:',
    );
    const refused = await look({ redis: `redis://nobody:secret@127.0.0.1:${redis.port}` });
    expect(refused['redis-dial']).toMatchObject({ status: 'failed', code: 'UNAUTHENTICATED' });
    expect(JSON.stringify([good, bad, refused])).not.toContain('secret');
  });

  test('with another layout than required fails', async () => {
    const redis = await redisWith();
    await startDaemon({ redis: redis.url, keyPrefix: 'im:', shards: 4 });
    const judged = async (shards: number | undefined) =>
      (await look({ redis: redis.url, keyPrefix: 'im:', shards }))['redis-layout'];
    expect(await judged(8)).toMatchObject({ status: 'failed', code: 'LAYOUT_MISMATCH' });
    expect(await judged(undefined)).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^feature level 2, 4 shards, identity [0-9a-f-]{36}$/),
    });
  });
});
