import { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { TokenFile } from '../../support/credentials.ts';
import type { TestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { runCli } from '../../support/runCli.ts';
import { freePort, startRedis } from '../../support/servers.ts';
import { TestTerminal } from '../../support/terminal.ts';

const SIZE = { columns: 150, rows: 20 };

let url: string;
let admin: Redis;

beforeEach(async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  url = redis.url;
  admin = new Redis(url);
  disposables.push(() => admin.disconnect());
});

/** A daemon on a store that the first version created. */
async function daemonOnOldStore(options = {}): Promise<TestDaemon> {
  await admin.hsetnx('im:layout', 'version', '1');
  await admin.hsetnx('im:layout', 'shards', '16');
  return startDaemon({ redis: url, keyPrefix: 'im:', ...options });
}

const storedLevel = () => admin.hget('im:layout', 'version');
const run = (...args: string[]) => runCli(['upgrade', ...args], { IMSTATE_TIMEOUT: '5s' });

test('shows the level, the daemons and what to do next', async () => {
  const { addr } = await daemonOnOldStore();
  const { stdout, exitCode } = await run('status', '--endpoint', addr);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^feature level 1\n\nAddress +Health +Version +Feature levels\n/);
  expect(stdout).toMatch(new RegExp(`^${addr} +SERVING +\\S+ +1 to 2$`, 'm'));
  expect(stdout).toContain('run imstate upgrade finish to raise it to 2\n');
  expect(JSON.parse((await run('status', '--endpoint', addr, '--json')).stdout)).toEqual({
    featureLevel: 1,
    newest: 2,
    daemons: [{ addr, health: 'SERVING', version: expect.any(String), featureLevels: { min: 1, max: 2 } }],
    inTheWay: [],
  });
});

test('finishes an upgrade once; a repetition changes nothing', async () => {
  const { addr } = await daemonOnOldStore();
  const finish = () => run('finish', '--endpoint', addr, '--yes', '--json');
  expect(JSON.parse((await finish()).stdout)).toEqual({ previousLevel: 1, featureLevel: 2 });
  expect(await storedLevel()).toBe('2');
  expect(JSON.parse((await finish()).stdout)).toEqual({ previousLevel: 2, featureLevel: 2 });
  expect((await run('finish', '--endpoint', addr, '--yes')).stdout).toBe('the feature level is 2 already\n');
});

test('refuses while a daemon does not answer, unless it is forced', async () => {
  const { addr } = await daemonOnOldStore();
  const dead = `127.0.0.1:${await freePort()}`;
  const finish = ['finish', '--endpoint', `${addr},${dead}`, '--yes'];
  const refused = await run(...finish, '--json');
  expect(refused.exitCode).toBe(2);
  expect(JSON.parse(refused.stdout)).toEqual({
    error: {
      code: 'UPGRADE_INCOMPLETE',
      message: `the upgrade cannot be finished (${dead} does not answer): upgrade or stop these daemons, or add --force to shut them out`,
    },
  });
  expect(await storedLevel()).toBe('1');
  expect((await run(...finish, '--force')).stdout).toBe('the feature level was raised from 1 to 2\n');
  expect(await storedLevel()).toBe('2');
});

test('asks before it raises the level, and changes nothing after another answer than yes', async () => {
  const { addr } = await daemonOnOldStore();
  const finish = () => TestTerminal.start(['upgrade', 'finish', '--endpoint', addr], SIZE);
  const no = await finish();
  await no.shows(/Raise the feature level from 1 to 2\?/);
  no.press('n\r');
  expect(await no.ended).toBe(1);
  expect(await storedLevel()).toBe('1');
  const yes = await finish();
  await yes.shows(/Raise the feature level from 1 to 2\?/);
  yes.press('y\r');
  expect(await yes.ended).toBe(0);
  expect(await storedLevel()).toBe('2');
  const { stderr, exitCode } = await run('finish', '--endpoint', addr);
  expect([exitCode, stderr]).toEqual([
    2,
    'Error: cannot ask for confirmation without a terminal: add --yes\n',
  ]);
});

test('lets every reader see the level, and only an admin raise it', async () => {
  const file = await TokenFile.make();
  const { addr, logged } = await daemonOnOldStore({ auth: { tokens: file.path } });
  const as = (role: string, ...args: string[]) =>
    runCli(['upgrade', ...args, '--endpoint', addr], { IMSTATE_TOKEN: file.tokens[role] as string });
  expect((await as('reader', 'status')).exitCode).toBe(0);
  const refused = await as('writer', 'finish', '--yes');
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain('FinishUpgrade needs the role admin, and token "writer" has writer');
  expect(await storedLevel()).toBe('1');
  expect((await as('admin', 'finish', '--yes')).exitCode).toBe(0);
  const acts = logged
    .map((line) => JSON.parse(line))
    .filter(({ msg, outcome }) => msg === 'administrative act' && outcome === 'OK');
  expect(acts.at(-1)).toMatchObject({
    action: 'finish_upgrade',
    identity: { name: 'admin' },
    detail: 'feature level 1 to 2',
  });
});

test('rejects daemons of different stores', async () => {
  const one = await daemonOnOldStore();
  await startDaemon({ dataDir: one.dataDir, redis: url, keyPrefix: 'other:', allowOtherStore: true });
  const { stderr, exitCode } = await runCli(['upgrade', 'status'], { IMSTATE_DATA_DIR: one.dataDir });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('the daemons use 2 different stores: name all daemons of one with --endpoint');
});

test('rejects a level that the daemon does not support', async () => {
  const { addr } = await daemonOnOldStore();
  const client = await clientOf(addr);
  await expect(client.finishUpgrade({ featureLevel: 3 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'feature_level',
    message: 'feature_level must be 1 to 2, which this daemon supports; this one is 3',
  });
  expect(await client.finishUpgrade({ featureLevel: 2, validateOnly: true })).toEqual({
    previousLevel: 1,
    featureLevel: 2,
  });
  expect(await storedLevel()).toBe('1');
});
