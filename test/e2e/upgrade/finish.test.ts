import { expect, test } from 'vitest';
import { clientOf } from '../../support/disposables.ts';
import { runFirstVersion } from '../../support/firstVersion.ts';
import { until } from '../../support/until.ts';
import { stop, Versions } from './versions.ts';

test('a finished upgrade shuts the first version out, and loses nothing', async () => {
  const versions = new Versions();
  const old = await versions.startOld();
  const [toOld, anywhere] = [await clientOf(old.addr), await versions.client()];
  await toOld.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: 's-1' });
  await toOld.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's-1' });
  await toOld.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: 's-2' });
  const daemons = [await versions.startNew(), await versions.startNew()];
  const finish = ['upgrade', 'finish', '--yes'];

  expect((await versions.run('upgrade', 'status')).stdout).toContain(
    `upgrade or stop these daemons before you raise it to 2: ${old.addr} is imstate 0.1.0`,
  );
  expect((await versions.run(...finish)).exitCode).toBe(2);
  const finished = await Promise.all([
    versions.run(...finish, '--force', '--json'),
    versions.run(...finish, '--force', '--json'),
  ]);
  const answers = finished.map(({ stdout }) => JSON.parse(stdout));
  expect(answers).toContainEqual({ previousLevel: 1, featureLevel: 2 });
  for (const { featureLevel } of answers) expect(featureLevel).toBe(2);

  await until(
    () =>
      toOld.getUser({ userId: 'alice' }).then(
        () => false,
        ({ code, message }) => {
          expect(code).toBe('UNAVAILABLE');
          return message.includes('the store holds layout version 2 and this imstate needs 1');
        },
      ),
    'the older daemon rejects calls',
  );
  const late = await runFirstVersion('serve', ...versions.flags, '--data-dir', old.dataDir);
  expect(late.exitCode).toBe(2);
  expect(late.stderr).toContain('the store holds layout version 2 and this imstate needs 1: use the imstate');

  for (const { addr } of daemons) {
    const client = await clientOf(addr);
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ sessionId: 's-2' }] });
    const { entries } = await client.listHistory({ userId: 'alice' });
    expect(entries.map(({ sessionId }) => sessionId)).toEqual(['s-2', 's-1']);
  }
  await stop(old);
  await until(
    async () => (await versions.run('upgrade', 'status')).stdout.includes('nothing to do'),
    'the entry of the older daemon is gone',
  );
  expect(JSON.parse((await versions.run(...finish, '--json')).stdout)).toEqual({
    previousLevel: 2,
    featureLevel: 2,
  });
  expect((await anywhere.getFeatureLevel()).featureLevel).toBe(2);
}, 120_000);
