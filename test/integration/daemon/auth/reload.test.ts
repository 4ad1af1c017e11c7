import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Authority } from '../../../support/authority.ts';
import {
  AUDIENCE,
  ISSUER,
  Issuer,
  keysFile,
  keysOf,
  scratchDirectory,
  TokenFile,
} from '../../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { scrape, sumOf } from '../../../support/metrics.ts';
import { firingAlerts } from '../../../support/promtool.ts';
import { until } from '../../../support/until.ts';

const BOM = '\ufeff';
const UNAUTHENTICATED = 16;
const http = { addr: '127.0.0.1', port: 0 };

/** The status code of a call with the token. */
async function codeFor({ addr }: TestDaemon, token: string | undefined): Promise<number> {
  const clients = grpcClients(addr, token);
  disposables.push(() => clients.close());
  return clients.v1.getStats().then(
    () => 0,
    ({ code }) => code,
  );
}

async function staleCredentials(daemon: TestDaemon, token: string | undefined): Promise<number> {
  return sumOf(await scrape(daemon.http, token), 'imstate_credentials_stale');
}

test('accepts a token file with a byte order mark, and applies its revocations', async () => {
  const file = await TokenFile.make();
  await file.edit((text) => `${BOM}${text.replaceAll('\n', '\r\n')}`);
  const daemon = await startDaemon({ http, auth: { tokens: file.path } });
  expect(await codeFor(daemon, file.tokens.writer)).toBe(0);
  await file.edit((text) => `${BOM}${text.replace(BOM, '')}`);
  await file.remove('writer');
  expect((await readFile(file.path, 'utf8')).startsWith(BOM)).toBe(true);
  await until(
    async () => (await codeFor(daemon, file.tokens.writer)) === UNAUTHENTICATED,
    'the token is revoked',
  );
  expect(await codeFor(daemon, file.tokens.reader)).toBe(0);
  expect(await staleCredentials(daemon, file.tokens.reader)).toBe(0);
});

test('accepts a key file and a certificate file with a byte order mark', async () => {
  const [before, after] = await Promise.all([Issuer.make('old'), Issuer.make('new')]);
  const jwks = await keysFile();
  await writeFile(jwks, `${BOM}${keysOf(before)}`);
  const authority = await Authority.make();
  const certificates = join(await scratchDirectory(), 'certificates.ndjson');
  await writeFile(certificates, `${BOM}{"cn":"ops","role":"admin"}\n`);
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks };
  const daemon = await startDaemon({ auth: { jwt } });
  expect(await codeFor(daemon, await before.sign())).toBe(0);
  await writeFile(jwks, `${BOM}${keysOf(after)}`);
  const followed = await after.sign();
  await until(async () => (await codeFor(daemon, followed)) === 0, 'the new key is accepted');
  const tls = { ...(await authority.issue()), ca: authority.file };
  await expect(startDaemon({ tls, auth: { certificates } })).resolves.toMatchObject({
    auth: ['client certificates'],
  });
});

test('counts an unreadable file until it is readable again, and fires the alert', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: file.path } });
  const { reader, writer } = file.tokens;
  const healthy = await scrape(daemon.http, reader);
  expect(await firingAlerts(healthy, healthy)).not.toContain('ImstateCredentialsStale');

  await file.edit((text) => `${text.replace(/^.*"id":"writer".*\n/m, '')}{"id":"broken"\n`);
  await until(async () => (await staleCredentials(daemon, reader)) === 1, 'the broken file is counted');
  // The reason for the alert: the revoked token is still accepted.
  expect(await codeFor(daemon, writer)).toBe(0);
  const stale = await scrape(daemon.http, reader);
  expect(await firingAlerts(stale, stale)).toContain('ImstateCredentialsStale');

  await file.edit((text) => text.replace('{"id":"broken"\n', ''));
  await until(async () => (await staleCredentials(daemon, reader)) === 0, 'the corrected file is read');
  expect(await codeFor(daemon, writer)).toBe(UNAUTHENTICATED);
  await rm(file.path);
  await until(async () => (await staleCredentials(daemon, reader)) === 1, 'the missing file is counted');
});

test('counts unreadable certificate files', async () => {
  const { cert, key } = await (await Authority.make()).issue();
  const daemon = await startDaemon({ http, tls: { cert, key } });
  const stale = async () => {
    const { text } = await ask(`${daemon.http}/metrics`, { rejectUnauthorized: false });
    return /^imstate_credentials_stale (\d+)$/m.exec(text)?.[1];
  };
  expect(await stale()).toBe('0');
  const before = await readFile(cert, 'utf8');
  await writeFile(cert, 'no certificate');
  await until(async () => (await stale()) === '1', 'the broken certificate is counted');
  await writeFile(cert, before);
  await until(async () => (await stale()) === '0', 'the corrected certificate is read');
});
