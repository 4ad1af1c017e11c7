import { execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnImstate } from '../../support/imstate.ts';
import { temporaryDirectory } from '../../support/servers.ts';
import { ISO, testCli } from '../../support/testCli.ts';
import { until } from '../../support/until.ts';

const cli = testCli();
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  folder = await temporaryDirectory();
});

afterAll(() => folder.remove());

let files = 0;

/** A file of these records; strings are written as they are. */
async function fileOf(...records: (object | string)[]): Promise<string> {
  files += 1;
  const path = join(folder.path, `${files}.ndjson`);
  const lines = records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record)));
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

async function batch(file: string, ...flags: string[]) {
  const { stdout, stderr, exitCode } = await cli.run('online', '--file', file, ...flags);
  return { lines: stdout.trimEnd().split('\n'), stderr, exitCode };
}

const serverAddr = '10.0.0.1:9000';

describe('online --file', () => {
  test('reports every record in the order of the file, one line each', async () => {
    const records = Array.from({ length: 500 }, (_, i) => ({
      userId: `many-${i}`,
      deviceId: 'phone',
      serverAddr,
    }));
    const { lines, stderr, exitCode } = await batch(await fileOf(...records));
    expect(lines.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual(
      records.map(({ userId }, i) => `${i + 1} ${userId}/phone is online`),
    );
    expect(stderr).toMatch(/^500 online, 0 unchanged, 0 failed in \d+\.\d s\n$/);
    expect(exitCode).toBe(0);
    expect(await cli.json('stats')).toMatchObject({ devicesByServer: { [serverAddr]: 500 } });
  });

  test('takes values from a record, and missing ones from flags', async () => {
    const full = {
      userId: 'full',
      deviceId: 'phone',
      serverAddr,
      sessionId: 's-1',
      platform: 'ios',
      ttl: '90s',
      metadata: { app: '3,1' },
      policy: 'replace-all',
      serverIncarnation: 7,
    };
    const file = await fileOf(full, { userId: 'bare', deviceId: 'phone', sessionId: null });
    const flags = [
      '--server-addr',
      '10.0.0.2:9000',
      '--ttl',
      '60s',
      '--platform',
      'web',
      '--metadata',
      'a=b',
    ];
    expect((await batch(file, ...flags)).exitCode).toBe(0);
    expect(await cli.json('query', 'full', '--explain')).toMatchObject({
      devices: [
        {
          sessionId: 's-1',
          serverAddr,
          platform: 'ios',
          metadata: { app: '3,1' },
          explanation: { ttlMs: 90_000, lease: { incarnation: 7 } },
        },
      ],
    });
    expect(await cli.json('query', 'bare', '--explain')).toMatchObject({
      devices: [
        {
          serverAddr: '10.0.0.2:9000',
          platform: 'web',
          metadata: { a: 'b' },
          explanation: { ttlMs: 60_000, lease: null },
        },
      ],
    });
  });

  test('reports records of one user in sequence: the last is current', async () => {
    const records = Array.from({ length: 100 }, (_, i) => ({
      userId: 'busy',
      deviceId: 'phone',
      serverAddr,
      sessionId: `s-${i}`,
    }));
    const { lines } = await batch(await fileOf(...records));
    expect(lines.slice(1).every((line, i) => line.includes(`replaced session s-${i} of phone`))).toBe(true);
    expect(await cli.json('query', 'busy')).toMatchObject({ devices: [{ sessionId: 's-99', online: true }] });
  });

  test('--json prints one object per line, despite failures and ended sessions', async () => {
    const good = { userId: 'json', deviceId: 'phone', serverAddr };
    const file = await fileOf(
      { ...good, sessionId: 's-1' },
      { ...good, sessionId: 's-2' },
      '',
      { ...good, sessionId: 's-1' },
      { userId: 'json', deviceId: 'phone', serverAddr: 'nowhere' },
    );
    const { lines, exitCode } = await batch(file, '--json');
    const ended = {
      deviceId: 'phone',
      sessionId: 's-1',
      serverAddr,
      reason: 'REPLACED',
      reasonText: null,
      by: null,
    };
    const login = {
      ...good,
      loginTime: expect.stringMatching(ISO),
      replaced: [],
      endReason: null,
      policy: null,
      rejected: false,
    };
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { line: 1, ...login, sessionId: 's-1' },
      { line: 2, ...login, sessionId: 's-2', replaced: [ended] },
      { line: 4, ...login, sessionId: 's-1', loginTime: null, endReason: 'REPLACED' },
      {
        line: 5,
        error: {
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('serverAddr must be HOST:PORT'),
          field: 'serverAddr',
        },
      },
    ]);
    expect(exitCode).toBe(2);
  });

  test('exits with 1 for an ended session', async () => {
    const good = { userId: 'ended', deviceId: 'phone', serverAddr };
    const file = await fileOf(
      { ...good, sessionId: 's-1' },
      { ...good, sessionId: 's-2' },
      { ...good, sessionId: 's-1' },
    );
    const { stderr, exitCode } = await batch(file);
    expect(stderr).toContain('2 online, 1 unchanged, 0 failed');
    expect(exitCode).toBe(1);
  });

  test.each([
    ['{', 'a record must be JSON: '],
    ['[]', 'a record must be a JSON object'],
    [{ deviceId: 'd', serverAddr }, 'userId must be given'],
    [{ userId: 'u', serverAddr }, 'deviceId must be given'],
    [{ userId: 'u', deviceId: 'd' }, 'serverAddr must be given, or --server-addr for all records'],
    [
      { userId: 'u', deviceId: 'd', serverAddr, user: 'u' },
      '"user" is not a key of a record: the keys are userId, ',
    ],
    [{ userId: 1, deviceId: 'd', serverAddr }, 'userId must be a string'],
    [{ userId: 'u', deviceId: 'd', serverAddr, ttl: 60 }, 'ttl must be a string'],
    [{ userId: 'u', deviceId: 'd', serverAddr, ttl: '1ms' }, 'ttl must be from 1s to 30d'],
    [{ userId: 'u', deviceId: 'd', serverAddr, metadata: { a: 1 } }, 'metadata must be an object of strings'],
    [{ userId: 'u', deviceId: 'd', serverAddr, policy: 'all' }, 'policy "all" is not a policy: '],
    [{ userId: 'u', deviceId: 'd', serverAddr, policy: 2 }, 'policy must be a string'],
    [
      { userId: 'u', deviceId: 'd', serverAddr, serverIncarnation: 0 },
      'serverIncarnation must be an integer',
    ],
    [{ userId: 'u', deviceId: 'd', serverAddr, sessionId: '' }, 'the session id must not be empty'],
    ['{"__proto__":{},"userId":"u"}', '"__proto__" is not a key of a record'],
  ])('rejects %j with line number and rule', async (record, rule) => {
    const { lines, exitCode } = await batch(await fileOf('', record));
    expect(lines).toEqual([expect.stringMatching(/^2 failed: /)]);
    expect(lines[0]).toContain(rule);
    expect(exitCode).toBe(2);
  });

  test('exits with the greatest exit code if no daemon responds', async () => {
    const file = await fileOf('{', { userId: 'u', deviceId: 'd', serverAddr });
    const elsewhere = await temporaryDirectory();
    const { lines, exitCode } = await batch(file, '--data-dir', elsewhere.path);
    expect(lines[1]).toMatch(/^2 failed: no daemon is registered/);
    expect(exitCode).toBe(3);
    await elsewhere.remove();
  });

  test.each([
    [['online', '--file', '/nowhere/x'], /--file \/nowhere\/x cannot be read \(ENOENT/],
    [['online', '--file', '/'], /--file \/ cannot be read \(EISDIR/],
    [['online', 'alice', 'phone', '--file', 'x'], /leave USER and --session out/],
    [['online', '--session', 's', '--file', 'x'], /leave USER and --session out/],
    [['online'], /Missing USER and DEVICE, or --file; --help shows how/],
    [['online', 'alice'], /Missing DEVICE, or --file; --help shows how/],
  ])('rejects the usage %j', async (args, message) => {
    const { stderr, exitCode } = await cli.run(...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});

describe('online --file - (the real binary)', () => {
  const record = (userId: string) => `${JSON.stringify({ userId, deviceId: 'phone', serverAddr })}\n`;
  const start = () => {
    const args = ['online', '--file', '-', '--data-dir', cli.daemon.dataDir];
    return spawnImstate(args, {}, 'pipe');
  };

  test('processes each record immediately', async () => {
    const { stdin, stdout, stderr, ended } = start();
    stdin?.write(record('pipe-1'));
    await until(() => stdout().includes('1 pipe-1/phone is online'), 'the first record is answered');
    stdin?.end(record('pipe-2'));
    expect(await ended).toBe(0);
    expect(stdout()).toContain('2 pipe-2/phone is online');
    expect(stderr()).toContain('2 online, 0 unchanged, 0 failed');
  });

  test('reads a FIFO until its writer closes it', async () => {
    const fifo = join(folder.path, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const args = ['online', '--file', fifo, '--data-dir', cli.daemon.dataDir];
    const { stdout, stderr, ended } = spawnImstate(args);
    const writer = await open(fifo, 'w');
    await writer.write(record('fifo-1'));
    await until(() => stdout().includes('1 fifo-1/phone is online'), 'the first record is answered');
    await writer.write(record('fifo-2'));
    await writer.close();
    expect(await ended).toBe(0);
    expect(stderr()).toContain('2 online, 0 unchanged, 0 failed');
  });

  test('stops reading on Ctrl-C, and reports it', async () => {
    const { stdin, stdout, stderr, signal, ended } = start();
    stdin?.write(record('pipe-3'));
    await until(() => stdout().includes('pipe-3/phone is online'), 'the first record is answered');
    signal('SIGINT');
    expect(await ended).toBe(130);
    expect(stderr()).toMatch(
      /^1 online, 0 unchanged, 0 failed in .*; stopped by a signal, the rest was not read\n$/,
    );
  });
});
