import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { Authority } from '../../../support/authority.ts';
import { startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };

test('requires a certificate of the CA with mutual TLS, except for open paths', async () => {
  const authority = await Authority.make();
  const tls = { ...(await authority.issue()), ca: authority.file };
  const { http: url } = await startDaemon({ http, tls });
  const ca = await readFile(authority.file);
  const pair = async (of: Authority) => {
    const { cert, key } = await of.issue();
    return { cert: await readFile(cert), key: await readFile(key) };
  };
  expect((await ask(`${url}/metrics`, { ca, ...(await pair(authority)) })).status).toBe(200);
  expect((await ask(`${url}/metrics`, { ca })).status).toBe(401);
  expect((await ask(`${url}/metrics`, { ca, ...(await pair(await Authority.make())) })).status).toBe(401);
  expect((await ask(`${url}/healthz`, { ca })).status).toBe(200);
});

test('uses a replaced certificate for HTTPS, and still requires client certificates', async () => {
  const authority = await Authority.make();
  const [cert, key] = [join(authority.folder, 'cert.pem'), join(authority.folder, 'key.pem')];
  const replace = async () => {
    const pair = await authority.issue();
    await copyFile(pair.cert, cert);
    await copyFile(pair.key, key);
  };
  await replace();
  const { http: url } = await startDaemon({ http, tls: { cert, key, ca: authority.file } });
  const serial = () =>
    new Promise<string>((resolve, reject) => {
      const { port } = new URL(url as string);
      const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const before = await serial();
  await replace();
  await until(async () => (await serial()) !== before, 'the new certificate is presented');
  expect((await ask(`${url}/metrics`, { rejectUnauthorized: false })).status).toBe(401);
});
