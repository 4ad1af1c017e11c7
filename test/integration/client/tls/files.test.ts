import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { followTls, readTls } from '../../../../packages/client/src/tls/files.ts';
import { TLS_NAMES, type TlsFiles } from '../../../../packages/client/src/tls/names.ts';
import { Authority, openssl } from '../../../support/authority.ts';

const read = (files: TlsFiles) => readTls(files, TLS_NAMES.redis);

async function refusal(files: TlsFiles): Promise<Pick<ImstateError, 'code' | 'message' | 'field'>> {
  try {
    read(files);
  } catch (error) {
    const { code, message, field } = error as ImstateError;
    return { code, message, field };
  }
  throw new Error('the files were taken');
}

test('a pair and a CA are accepted, with TLS 1.2 as the minimum', async () => {
  const authority = await Authority.make();
  const { context, certificate } = read({ ca: authority.file, ...(await authority.issue()) });
  expect(certificate?.subject).toBe('CN=daemon');
  expect(context.minVersion).toBe('TLSv1.2');
});

test('a CA alone is accepted, and so is no file', async () => {
  const { file } = await Authority.make();
  const { certificate, cas } = read({ ca: file });
  expect([certificate, cas.length]).toEqual([undefined, 1]);
  expect(read({})).toEqual({ context: { minVersion: 'TLSv1.2' }, certificate: undefined, cas: [] });
});

test('half of a pair is rejected with the names of its flags', async () => {
  const { cert } = await (await Authority.make()).issue();
  expect(await refusal({ cert })).toEqual({
    code: 'WRONG_USAGE',
    message: '--redis-tls-cert and --redis-tls-key belong together: set both, or neither',
    field: '--redis-tls-cert',
  });
});

test('an error names the flag, the file and the remedy', async () => {
  const authority = await Authority.make();
  const pair = await authority.issue();
  const other = await authority.issue();
  const over = await authority.issue({ days: -1 });
  const secret = join(authority.folder, 'secret.key');
  await openssl('pkey', '-in', pair.key, '-aes256', '-passout', 'pass:word', '-out', secret);
  const broken = join(authority.folder, 'broken.pem');
  await writeFile(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const nowhere = join(authority.folder, 'nowhere');

  const cases: [TlsFiles, RegExp][] = [
    [
      { ca: nowhere },
      /^--redis-tls-ca \S+nowhere cannot be read \(ENOENT.*\): name a file that this user may read$/,
    ],
    [{ ca: pair.key }, /^--redis-tls-ca \S+ holds no certificate in PEM .*: name a file that does$/],
    [{ ca: over.cert }, /^--redis-tls-ca \S+ expired on .* GMT: name the file of the CA that replaces it$/],
    [{ ...pair, cert: broken }, /^--redis-tls-cert \S+broken.pem is broken \(.*\): copy it again$/],
    [{ ...over }, /^--redis-tls-cert \S+ expired on .* GMT: have your CA sign a new one$/],
    [
      { ...pair, key: pair.cert },
      /^--redis-tls-key \S+ holds no private key in PEM .*: name a file that does$/,
    ],
    [
      { ...pair, key: secret },
      /^--redis-tls-key \S+ is protected by a passphrase: write it without one: openssl pkey/,
    ],
    [{ ...pair, key: other.key }, /^--redis-tls-key \S+ is not the key of .*: name the files of one pair$/],
  ];
  for (const [files, message] of cases) {
    const refused = await refusal(files);
    expect(refused).toMatchObject({ code: 'BAD_CERTIFICATE', message: expect.stringMatching(message) });
    expect(refused.field).toBe(refused.message.split(' ')[0]);
  }
});

test('no message contains the contents of a key', async () => {
  const authority = await Authority.make();
  const pair = await authority.issue();
  const key = await readFile(pair.key, 'utf8');
  const cut = join(authority.folder, 'cut.key');
  await writeFile(cut, key.slice(0, key.length / 2));
  const { message } = await refusal({ ...pair, key: cut });
  expect(message).toContain('cut.key');
  for (const line of key.split('\n').slice(1, 3)) expect(message).not.toContain(line.slice(0, 20));
});

test('the current contents are returned, and the previous ones while the files do not match', async () => {
  const authority = await Authority.make();
  const [first, second] = [await authority.issue(), await authority.issue()];
  const pair = { cert: join(authority.folder, 'cert.pem'), key: join(authority.folder, 'key.pem') };
  await copyFile(first.cert, pair.cert);
  await copyFile(first.key, pair.key);
  const material = followTls(pair, TLS_NAMES.client);
  const before = material();
  expect(material()).toBe(before);
  await copyFile(second.cert, pair.cert);
  expect(material()).toBe(before);
  await copyFile(second.key, pair.key);
  expect(material().context.cert).toBe(await readFile(second.cert, 'utf8'));
});
