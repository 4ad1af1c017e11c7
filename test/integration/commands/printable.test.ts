import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { grpcClients } from '../../support/daemon.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();
const BIDI = '\u202e';
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
const USER = `ev${BIDI}il`;
const SERVER = `ev${BIDI}il:9000`;
const METADATA = '\x1b[2J\x9b2J';

beforeAll(async () => {
  const { v1, close } = grpcClients(cli.daemon.addr);
  const login = { userId: USER, deviceId: `d${BIDI}`, sessionId: `s${BIDI}`, serverAddr: SERVER };
  await v1.online({ ...login, platform: `p${BIDI}`, metadata: { [`k${METADATA}`]: METADATA } });
  await v1.online({ ...login, sessionId: `t${BIDI}`, platform: `p${BIDI}` });
  close();
  const folders = await readdir(cli.daemon.dataDir, { recursive: true, withFileTypes: true });
  const entry = folders.find(({ name }) => name.endsWith('.json'));
  const folder = entry?.parentPath ?? join(cli.daemon.dataDir, 'registry');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'evil.json'),
    JSON.stringify({ Op: 0, Addr: `x${METADATA}:1`, Metadata: null }),
  );
});

const COMMANDS = [
  ['stats'],
  ['servers'],
  ['sessions'],
  ['query', USER],
  ['query', USER, '--explain'],
  ['history', USER],
  ['endpoints'],
  ['offline', `other${BIDI}`, `d${BIDI}`],
  ['evict', '--user', `other${BIDI}`, '--yes'],
  ['top', '--once'],
  ['wait', USER, '--for', 'online'],
  ['query', `${'x'.repeat(300)}${BIDI}`],
];

test.each(COMMANDS)('%s %s prints no control characters', async (...args) => {
  const given = [...args, '--endpoint', cli.daemon.addr].filter(
    (arg) => args[0] !== 'endpoints' || !['--endpoint', cli.daemon.addr].includes(arg),
  );
  const human = await cli.run(...given);
  const printed = `${human.stdout}${human.stderr}`.replaceAll('\n', '');
  expect(printed).not.toBe('');
  expect(printed).not.toMatch(UNPRINTABLE);
  const json = await cli.run(...given, '--json');
  expect(json.stdout.replaceAll('\n', '')).not.toMatch(UNPRINTABLE);
  expect(JSON.parse(json.stdout)).toBeTypeOf('object');
});

test('--json has the same values', async () => {
  expect(await cli.json('query', USER)).toMatchObject({
    userId: USER,
    devices: [{ platform: `p${BIDI}`, serverAddr: SERVER }],
  });
  expect(await cli.json('endpoints')).toMatchObject({
    endpoints: expect.arrayContaining([expect.objectContaining({ addr: `x${METADATA}:1` })]),
  });
});
