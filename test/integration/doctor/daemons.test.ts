import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import { scratchDirectory } from '../../support/credentials.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { look, redisWith } from '../../support/doctor.ts';
import { freePort } from '../../support/servers.ts';

describe('the daemons', () => {
  test('that do not respond warn as long as one does, and fail when none does', async () => {
    const daemon = await startDaemon();
    const folder = join(daemon.dataDir, 'registry', 'im%2Fstate-server');
    const dead = `127.0.0.1:${await freePort()}`;
    await writeFile(join(folder, 'dead.json'), `{"Op":0,"Addr":"${dead}"}`);
    await writeFile(join(folder, 'broken.json'), 'nonsense');
    await utimes(join(folder, 'dead.json'), new Date(), new Date(Date.now() + 3_600_000));
    const reports = await look({ dataDir: daemon.dataDir });
    expect(reports.registry).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/broken\.json is ignored/),
    });
    expect(reports['daemon-health']).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(`${dead}: no answer: start it`),
    });
    const alone = await look({ endpoints: [dead] });
    expect(alone['daemon-health']).toMatchObject({ status: 'failed', code: 'UNAVAILABLE' });
    expect(alone['daemon-call']).toMatchObject({ status: 'failed', code: 'UNAVAILABLE' });
    expect(alone['daemon-versions']).toMatchObject({ status: 'skipped' });
  });

  test('warn if there are none', async () => {
    const dataDir = await scratchDirectory();
    await mkdir(join(dataDir, 'registry'));
    const reports = await look({ dataDir });
    expect(reports.registry).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/start one with imstate serve/),
    });
    expect(reports['daemon-call']).toMatchObject({ status: 'skipped' });
  });

  test('that differ in --max-devices warn', async () => {
    const [one, other] = [await startDaemon({ maxDevices: 5 }), await startDaemon({ maxDevices: 7 })];
    const reports = await look({ endpoints: [one.addr, other.addr] });
    expect(reports['daemon-max-devices']).toMatchObject({
      status: 'warning',
      message: `daemons differ in --max-devices (${one.addr} has 5, ${other.addr} has 7): set the same on all, and restart them`,
    });
    const same = await look({ endpoints: [one.addr, (await startDaemon({ maxDevices: 5 })).addr] });
    expect(same['daemon-max-devices']).toMatchObject({
      status: 'ok',
      message: 'a user may have 5 devices online',
    });
  });

  test('that support a higher feature level than the store has warn', async () => {
    const redis = await redisWith();
    const admin = new Redis(redis.url);
    disposables.push(() => admin.disconnect());
    await admin.hset('im:layout', 'version', '1', 'shards', '16');
    const daemon = await startDaemon({ redis: redis.url, keyPrefix: 'im:' });
    const judged = async (...endpoints: string[]) => (await look({ endpoints }))['daemon-levels'];
    expect(await judged(daemon.addr)).toMatchObject({
      status: 'warning',
      message: 'the store has feature level 1, and all daemons support 2: run imstate upgrade finish',
    });
    const dead = `127.0.0.1:${await freePort()}`;
    expect(await judged(daemon.addr, dead)).toMatchObject({
      status: 'warning',
      message:
        `the store has feature level 1, and not all daemons support 2 (${dead} does not answer): ` +
        'upgrade or stop these, then run imstate upgrade finish',
    });
    await (await clientOf(daemon.addr)).finishUpgrade();
    expect(await judged(daemon.addr)).toMatchObject({
      status: 'ok',
      message: 'the store has feature level 2, the newest that the daemons support',
    });
    expect(await judged(dead)).toMatchObject({ status: 'skipped' });
  });

  test('of another version warn', async () => {
    const daemon = await startDaemon();
    const reports = await look({ endpoints: [daemon.addr], version: '99.0.0' });
    expect(reports['daemon-versions']).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(`${daemon.addr} is ${pkg.version}, and this is 99.0.0`),
    });
  });
});
