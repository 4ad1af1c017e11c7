import { expect, test } from 'vitest';
import type { Client } from '../../../packages/client/src/index.ts';
import { clientOf } from '../../support/disposables.ts';
import { runFirstVersion } from '../../support/firstVersion.ts';
import { until } from '../../support/until.ts';
import { stop, Versions } from './versions.ts';

const MISMATCH = 'the store holds layout version 2 and this imstate needs 1';
const FINISH = ['upgrade', 'finish', '--yes', '--json'];

/** Waits until the daemon of this client rejects calls because of the feature level. */
async function shutOut(client: Client): Promise<void> {
  const failure = () =>
    client.getUser({ userId: 'alice' }).then(
      () => undefined,
      (error) => error,
    );
  const error = await until(failure, 'the older daemon rejects calls');
  expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(MISMATCH) });
}

/** Logs alice in twice, so that she has one session in the history. */
async function logInTwice(client: Client): Promise<void> {
  const login = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
  await client.online({ ...login, sessionId: 's-1' });
  await client.online({ ...login, sessionId: 's-2' });
}

test('a finished upgrade shuts the first version out, and loses nothing', async () => {
  const versions = new Versions();
  const old = await versions.startOld();
  const toOld = await clientOf(old.addr);
  await logInTwice(toOld);
  const daemons = [await versions.startNew(), await versions.startNew()];

  expect((await versions.run('upgrade', 'status')).stdout).toContain(
    `upgrade or stop these daemons before you raise it to 2: ${old.addr} is imstate 0.1.0`,
  );
  expect((await versions.run(...FINISH)).exitCode).toBe(2);
  const finished = await Promise.all([1, 2].map(() => versions.run(...FINISH, '--force')));
  const answers = finished.map(({ stdout }) => JSON.parse(stdout));
  expect(answers).toContainEqual({ previousLevel: 1, featureLevel: 2 });
  for (const { featureLevel } of answers) expect(featureLevel).toBe(2);

  await shutOut(toOld);
  const late = await runFirstVersion('serve', ...versions.flags, '--data-dir', old.dataDir);
  expect(late.exitCode).toBe(2);
  expect(late.stderr).toContain(`${MISMATCH}: use the imstate that wrote it`);
  for (const { addr } of daemons) {
    const client = await clientOf(addr);
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ sessionId: 's-2' }] });
    const { entries } = await client.listHistory({ userId: 'alice' });
    expect(entries.map(({ sessionId }) => sessionId)).toEqual(['s-2', 's-1']);
  }

  await stop(old);
  const status = async () => (await versions.run('upgrade', 'status')).stdout;
  await until(async () => (await status()).includes('nothing to do'), 'the older daemon is not listed');
  const again = await versions.run(...FINISH);
  expect(JSON.parse(again.stdout)).toEqual({ previousLevel: 2, featureLevel: 2 });
}, 120_000);

test('an older daemon stays shut out of a Redis that was flushed', async () => {
  const versions = new Versions();
  const old = await versions.startOld();
  const upgraded = await versions.startNew();
  const [toOld, toNew] = [await clientOf(old.addr), await clientOf(upgraded.addr)];
  await toNew.finishUpgrade();
  await shutOut(toOld);
  for (let flush = 0; flush < 5; flush++) {
    // Either daemon may claim it first.
    await versions.flush();
    await until(async () => (await versions.storedLevel()) === '2', 'the level is restored');
    await shutOut(toOld);
    await logInTwice(toNew);
    expect(await toNew.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ sessionId: 's-2' }] });
  }
});

test('daemons of both versions continue in a Redis that was flushed before the upgrade is finished', async () => {
  const versions = new Versions();
  const clients = [await versions.startOld(), await versions.startNew()].map(({ addr }) => clientOf(addr));
  for (let flush = 0; flush < 5; flush++) {
    await versions.flush();
    await until(async () => (await versions.storedLevel()) === '1', 'a daemon has claimed it');
    for (const client of await Promise.all(clients)) {
      await logInTwice(client);
      expect(await client.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ sessionId: 's-2' }] });
    }
    expect(await versions.storedLevel()).toBe('1');
  }
});
