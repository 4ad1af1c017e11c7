import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { hashToken } from '../../../../src/daemon/auth/tokenFile.ts';
import { AUDIENCE, ISSUER, Issuer, keysFile, TokenFile } from '../../../support/credentials.ts';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const PASSWORD = 'redis-password-7c1f';
const json = { 'content-type': 'application/json' };

test('no record and no line of the log has a token, a hash, a JWT or a password', async () => {
  const [file, issuer, foreign] = await Promise.all([TokenFile.make(), Issuer.make(), Issuer.make()]);
  const redis = await startRedis('--requirepass', PASSWORD);
  disposables.push(() => redis.stop());
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: await keysFile(issuer) };
  const daemon = await startDaemon({
    log,
    redis: redis.url.replace('redis://', `redis://:${PASSWORD}@`),
    http: { addr: '127.0.0.1', port: 0 },
    auth: { tokens: file.path, jwt },
  });
  const secrets = [
    ...Object.values(file.tokens),
    await issuer.sign({ sub: 'anna', imstate_role: 'admin' }),
    await issuer.sign({ sub: 'bob' }),
    await foreign.sign({ sub: 'eve', imstate_role: 'admin' }),
    'imstate_unknown-token',
    'not a credential',
  ];
  for (const secret of secrets) {
    const clients = grpcClients(daemon.addr, /^\S+$/.test(secret) ? secret : undefined);
    await clients.v1.evict({ userId: 'alice' }).catch(() => {});
    clients.close();
    const headers = { ...json, authorization: `Bearer ${secret}` };
    const body = '{"userId":"alice"}';
    await ask(`${daemon.http}/api/v1/evict`, { method: 'POST', headers, body });
  }
  secrets.push(await file.add('later', 'admin'));
  const admin = grpcClients(daemon.addr, file.tokens.admin);
  disposables.push(() => admin.close());
  const read = async () => (await admin.v1.listAudit({ pageSize: 1_000 })).records;
  await until(
    async () => (await read()).some(({ action }) => action === 'add_token'),
    'the token is recorded',
  );
  const records = await read();
  expect(records.length).toBeGreaterThan(8);
  const hashes = Object.values(file.tokens).map(hashToken);
  expect(await readFile(file.path, 'utf8')).toContain(hashes[0]);
  const written = JSON.stringify(records) + lines.join('');
  for (const secret of [...secrets, ...hashes, PASSWORD]) expect(written.includes(secret)).toBe(false);
});
