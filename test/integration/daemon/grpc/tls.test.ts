import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import {
  type ChannelCredentials,
  Client,
  Server,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { probeEndpoint } from '../../../../packages/client/src/connection/probe.ts';
import { TlsCredentials } from '../../../../packages/client/src/connection/tlsCredentials.ts';
import { type ConnectOptions, connect, type ImstateError } from '../../../../packages/client/src/index.ts';
import { parseHostPort } from '../../../../packages/client/src/shared/address.ts';
import { DaemonTls } from '../../../../src/daemon/grpc/tls.ts';
import { Authority, type Pair } from '../../../support/authority.ts';
import { TokenFile } from '../../../support/credentials.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';

/** A client until the end of the test. */
async function clientOf(options: ConnectOptions) {
  const client = await connect({ timeoutMs: 30_000, ...options });
  disposables.push(() => client.close());
  return client;
}

/** The error of a call of such a client. */
async function refusal(options: ConnectOptions): Promise<{ code: string; message: string }> {
  const client = await clientOf(options);
  const error = await client.getStats().catch((thrown: ImstateError) => thrown);
  const { code, message } = error as ImstateError;
  return { code, message };
}

/** A certificate and key file that a test can replace. */
async function replaceable(authority: Authority, pair: Pair) {
  const files = { cert: join(authority.folder, 'cert.pem'), key: join(authority.folder, 'key.pem') };
  const replace = async ({ cert, key }: Pair) => {
    await copyFile(cert, files.cert);
    await copyFile(key, files.key);
  };
  await replace(pair);
  return { files, replace };
}

/** The serial number of the certificate on a new connection. */
function serialAt(addr: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const at = { ...parseHostPort(addr), ALPNProtocols: ['h2'], rejectUnauthorized: false };
    const socket = tlsConnect({ ...at, ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('a daemon with TLS', () => {
  test('serves calls, watches and health checks', async () => {
    const authority = await Authority.make();
    const daemon = await startDaemon({ tls: await authority.issue() });
    const tls = { ca: authority.file };
    const client = await clientOf({ endpoints: [daemon.addr], tls });
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    expect(await client.getUsers(['alice'])).toMatchObject([{ userId: 'alice', online: true }]);
    const server = client.server({ addr: '10.0.0.2:9000' });
    await server.ready;
    await server.online({ userId: 'bob', deviceId: 'phone' });
    for await (const event of client.watch({ users: ['bob'] })) {
      expect(event).toMatchObject({
        type: 'snapshot',
        userId: 'bob',
        devices: [{ serverAddr: '10.0.0.2:9000' }],
      });
      break;
    }
    const credentials = new TlsCredentials(tls);
    expect(await probeEndpoint(daemon.addr, { timeoutMs: 30_000, credentials })).toMatchObject({
      health: 'SERVING',
    });
  });

  test('is verified by its own host name, also with several endpoints', async () => {
    const authority = await Authority.make();
    const byAddress = await startDaemon({ tls: await authority.issue({ names: ['IP:127.0.0.1'] }) });
    const byName = await startDaemon({ tls: await authority.issue({ names: ['DNS:localhost'] }) });
    const atLocalhost = byName.addr.replace('127.0.0.1', 'localhost');
    const tls = { ca: authority.file };
    for (const addr of [byAddress.addr, atLocalhost]) {
      const client = await clientOf({ endpoints: [addr], tls });
      await client.getStats();
    }
    expect(await refusal({ endpoints: [byName.addr], tls })).toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringMatching(
        /has a certificate for another name \(IP: 127.0.0.1 .*--tls-server-name/,
      ),
    });
    await (await clientOf({ endpoints: [byName.addr], tls: { ...tls, serverName: 'localhost' } })).getStats();
  });

  test('is rejected by clients that do not know its CA, with the flag to set', async () => {
    const authority = await Authority.make();
    const daemon = await startDaemon({ tls: await authority.issue() });
    expect(await refusal({ endpoints: [daemon.addr], tls: true })).toEqual({
      code: 'TLS_FAILED',
      message:
        `the daemon at ${daemon.addr} has a certificate of a CA that is not trusted here ` +
        '(unable to verify the first certificate): name the file of that CA with --tls-ca',
    });
  });

  test('makes a plaintext client suggest --tls in one line', async () => {
    const authority = await Authority.make();
    const daemon = await startDaemon({ tls: await authority.issue() });
    expect(await refusal({ endpoints: [daemon.addr] })).toEqual({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/is one running there\? If so, it may require TLS: add --tls$/),
    });
  });

  test('without TLS makes a TLS client suggest to omit it in one line', async () => {
    const daemon = await startDaemon();
    expect(await refusal({ endpoints: [daemon.addr], tls: true })).toEqual({
      code: 'TLS_FAILED',
      message: expect.stringMatching(
        /^the daemon at \S+ does not speak TLS \(.*\): omit --tls, or start it with/,
      ),
    });
  });

  test('rejects TLS older than 1.2', async () => {
    const authority = await Authority.make();
    const daemon = await startDaemon({ tls: await authority.issue() });
    const handshake = (maxVersion: 'TLSv1.1' | 'TLSv1.2') =>
      new Promise<string>((resolve) => {
        const old = { minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
        const at = { ...parseHostPort(daemon.addr), ALPNProtocols: ['h2'], rejectUnauthorized: false };
        const socket = tlsConnect({ ...at, ...old }, () => {
          resolve(socket.getProtocol() ?? '');
          socket.destroy();
        });
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      });
    expect(await handshake('TLSv1.1')).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await handshake('TLSv1.2')).toBe('TLSv1.2');
  });
});

describe('mutual TLS', () => {
  test('serves only clients with a certificate of the CA, and explains rejections', async () => {
    const [authority, strangers] = [await Authority.make(), await Authority.make('strangers')];
    const daemon = await startDaemon({ tls: { ca: authority.file, ...(await authority.issue()) } });
    const endpoints = [daemon.addr];
    const own = await authority.issue({ subject: 'chat-1' });
    await (await clientOf({ endpoints, tls: { ca: authority.file, ...own } })).getStats();
    expect(await refusal({ endpoints, tls: { ca: authority.file } })).toEqual({
      code: 'TLS_FAILED',
      message: expect.stringMatching(
        /^the daemon at \S+ refused the TLS handshake \(.*certificate required\): give .* with --tls-cert and --tls-key$/,
      ),
    });
    const strange = await strangers.issue({ subject: 'chat-1' });
    expect(await refusal({ endpoints, tls: { ca: authority.file, ...strange } })).toEqual({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        /If so, it may .* require a certificate of its own CA: --tls-cert and --tls-key$/,
      ),
    });
  });

  test('passes the subject of the client certificate to calls', async () => {
    const authority = await Authority.make();
    const server = new Server();
    server.addService(
      { Ask: { path: '/test/Ask', requestStream: false, responseStream: false, ...bytes } },
      {
        Ask: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) =>
          done(null, Buffer.from(JSON.stringify(call.getAuthContext()?.sslPeerCertificate?.subject))),
      },
    );
    const { credentials } = new DaemonTls({ ca: authority.file, ...(await authority.issue()) });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    disposables.push(() => server.forceShutdown());
    const own = await authority.issue({ subject: 'chat-1' });
    const tls: ChannelCredentials = new TlsCredentials({
      ca: authority.file,
      ...own,
      serverName: 'localhost',
    });
    const client = new Client(`127.0.0.1:${port}`, tls);
    disposables.push(() => client.close());
    const subject = await new Promise((resolve, reject) => {
      const { requestSerialize, responseDeserialize } = bytes;
      client.makeUnaryRequest(
        '/test/Ask',
        requestSerialize,
        responseDeserialize,
        Buffer.alloc(0),
        (error, answer) => (error ? reject(error) : resolve(JSON.parse(String(answer)))),
      );
    });
    expect(subject).toEqual({ CN: 'chat-1' });
  });
});

const same = (value: Buffer) => value;
const bytes = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

describe('files that are replaced', () => {
  test('presents a new certificate to new connections, without failed calls on old ones', async () => {
    const authority = await Authority.make();
    const { files, replace } = await replaceable(authority, await authority.issue());
    const daemon = await startDaemon({ tls: files });
    const tls = { ca: authority.file };
    const client = await clientOf({ endpoints: [daemon.addr], tls });
    const events: string[] = [];
    const watch = client.watch({ users: ['alice'] });
    disposables.push(() => watch.close());
    const watching = (async () => {
      for await (const event of watch) events.push(event.type);
    })();
    const before = await serialAt(daemon.addr, authority.file);

    let [isOver, calls] = [false, 0];
    const stream = async (deviceId: string) => {
      while (!isOver) {
        await client.online({ userId: 'alice', deviceId, serverAddr: '10.0.0.1:9000' });
        calls += 1;
      }
    };
    const streams = ['a', 'b', 'c'].map(stream);
    await until(() => calls > 20, 'calls succeed');
    await replace(await authority.issue());
    await until(
      async () => (await serialAt(daemon.addr, authority.file)) !== before,
      'the new certificate is presented',
    );
    const reached = calls;
    await until(() => calls > reached + 20, 'calls continue');
    isOver = true;
    await Promise.all(streams);
    await watch.close();
    await watching;
    expect(events).toContain('change');
    expect(events).not.toContain('disconnected');
    await (await clientOf({ endpoints: [daemon.addr], tls })).getStats();
    expect(daemon.logged.join()).toContain('certificate replaced');
  });

  test('ignores an incomplete pair, and logs a broken one once, with the remedy', async () => {
    const authority = await Authority.make();
    const { files, replace } = await replaceable(authority, await authority.issue());
    const daemon = await startDaemon({ tls: files });
    const before = await serialAt(daemon.addr, authority.file);
    const next = await authority.issue();
    await copyFile(next.cert, files.cert);
    const errors = () => daemon.logged.filter((line) => line.includes('"level":50'));
    await until(() => errors().length > 0, 'the incomplete pair is logged');
    expect(errors().join()).toMatch(
      /--tls-key \S+ is not the key of .*name the files of one pair.*the previous one stays in use/,
    );
    expect(await serialAt(daemon.addr, authority.file)).toBe(before);

    await writeFile(files.cert, 'nonsense');
    await until(() => errors().length > 1, 'the broken file is logged');
    expect(await serialAt(daemon.addr, authority.file)).toBe(before);
    expect(errors()).toHaveLength(2);

    await replace(next);
    await until(
      async () => (await serialAt(daemon.addr, authority.file)) !== before,
      'the new certificate is presented',
    );
  });

  test('accepts clients of a CA that is added', async () => {
    const [authority, added] = [await Authority.make(), await Authority.make('added')];
    const ca = join(authority.folder, 'clients.pem');
    await copyFile(authority.file, ca);
    const daemon = await startDaemon({ tls: { ca, ...(await authority.issue()) } });
    const options = { endpoints: [daemon.addr], tls: { ca: authority.file, ...(await added.issue()) } };
    expect((await refusal(options)).code).toBe('UNAVAILABLE');
    await copyFile(added.file, ca);
    await until(
      () => daemon.logged.some((line) => line.includes('certificate replaced')),
      'the CA is loaded',
    );
    await (await clientOf(options)).getStats();
  });
});

describe('warnings about exposure', () => {
  test('warn of missing TLS and authentication beyond loopback', async () => {
    const authority = await Authority.make();
    const tls = await authority.issue();
    const [plain, nobody] = [
      expect.stringMatching(/is open to other machines without TLS: .* set --tls-cert/),
      expect.stringMatching(/without authentication: .* set --auth-tokens/),
    ];
    const open = await startDaemon({ addr: '0.0.0.0' });
    expect(open.warnings).toEqual([plain, nobody]);
    expect(open.logged.filter((line) => line.includes('"level":40')).join()).toContain('without TLS');
    expect((await startDaemon()).warnings).toEqual([]);
    expect((await startDaemon({ addr: '0.0.0.0', tls })).warnings).toEqual([nobody]);
    const mutual = { ...tls, ca: authority.file };
    expect((await startDaemon({ addr: '0.0.0.0', tls: mutual })).warnings).toEqual([]);
  });

  test('cover the HTTP port', async () => {
    const authority = await Authority.make();
    const tls = await authority.issue();
    const { path } = await TokenFile.make();
    const http = { addr: '0.0.0.0', port: 0 };
    const plain = expect.stringMatching(/^http:\/\/0\.0\.0\.0:\d+ is open to other machines without TLS: /);
    const nobody = expect.stringMatching(/ over HTTP without authentication: .* set --auth-tokens/);
    expect((await startDaemon({ http })).warnings).toEqual([plain, nobody]);
    expect((await startDaemon({ http, tls })).warnings).toEqual([nobody]);
    expect((await startDaemon({ http, tls, auth: { tokens: path } })).warnings).toEqual([]);
    expect((await startDaemon({ http, tls: { ...tls, ca: authority.file } })).warnings).toEqual([]);
    expect((await startDaemon({ http: { ...http, addr: '127.0.0.1' } })).warnings).toEqual([]);
  });

  test('include a certificate that does not match the dialled address', async () => {
    const authority = await Authority.make();
    const tls = await authority.issue({ names: ['DNS:elsewhere'] });
    expect((await startDaemon({ tls })).warnings).toEqual([
      expect.stringMatching(/^the certificate of --tls-cert is not valid for 127.0.0.1, .*--tls-server-name/),
    ]);
    expect((await startDaemon({ tls, advertise: 'elsewhere:8080' })).warnings).toEqual([]);
  });
});
