import { appendFile, chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  AUDIENCE,
  ISSUER,
  Issuer,
  keysFile,
  scratchDirectory,
  TokenFile,
} from '../../support/credentials.ts';
import { look } from '../../support/doctor.ts';
import { freePort } from '../../support/servers.ts';

const NOWHERE = '/nowhere/file';
const jwtOf = (jwks: string) => ({ issuer: ISSUER, audience: AUDIENCE, jwks });

test('files that a daemon accepts are ok, and files that are not named are skipped', async () => {
  const [{ path: tokens }, jwks] = [await TokenFile.make(), await keysFile(await Issuer.make())];
  const certificates = join(await scratchDirectory(), 'certificates.ndjson');
  await writeFile(certificates, '{"cn":"chat","role":"writer"}\n', { mode: 0o600 });
  await Promise.all([chmod(tokens, 0o600), chmod(jwks, 0o600)]);
  expect(await look({ auth: { tokens, jwt: jwtOf(jwks), certificates } })).toMatchObject({
    'auth-tokens': { status: 'ok', message: `--auth-tokens ${tokens} can be used` },
    'auth-jwt': { status: 'ok' },
    'auth-certificates': { status: 'ok' },
  });
  expect(await look({ auth: { tokens } })).toMatchObject({
    'auth-jwt': { status: 'skipped' },
    'auth-certificates': { status: 'skipped' },
  });
});

test('missing and broken files fail as for a daemon, and so do unavailable keys', async () => {
  const unusable = { status: 'failed', code: 'AUTH_FILE_UNUSABLE' };
  const missing = { tokens: NOWHERE, jwt: jwtOf(NOWHERE), certificates: NOWHERE };
  expect(await look({ auth: missing })).toMatchObject({
    'auth-tokens': unusable,
    'auth-jwt': unusable,
    'auth-certificates': unusable,
  });
  const { path: tokens } = await TokenFile.make();
  await appendFile(tokens, '{"id":"half"}\n');
  const jwt = jwtOf(`http://127.0.0.1:${await freePort()}/jwks.json`);
  expect(await look({ auth: { tokens, jwt } })).toMatchObject({
    'auth-tokens': { ...unusable, message: expect.stringMatching(/line \d+: sha256 must be .*: correct it/) },
    'auth-jwt': { status: 'failed', code: 'AUTH_KEYS_UNAVAILABLE' },
  });
});

test('a file that other users can write fails', async () => {
  const { path: tokens } = await TokenFile.make();
  await chmod(tokens, 0o666);
  const report = (await look({ auth: { tokens } }))['auth-tokens'];
  expect(report).toMatchObject({
    status: 'failed',
    code: 'AUTH_FILE_UNUSABLE',
    message: expect.stringContaining(`run chmod go-w ${tokens}`),
  });
});
