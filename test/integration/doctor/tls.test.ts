import { expect, test } from 'vitest';
import { Authority } from '../../support/authority.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { look } from '../../support/doctor.ts';
import { startEtcd, startTlsRedis } from '../../support/servers.ts';

const SOON = { status: 'warning', message: expect.stringMatching(/expires on \d{4}-\d\d-\d\d, in 1 day: /) };
const FINE = { status: 'ok', message: expect.stringMatching(/valid until \d{4}-\d\d-\d\d$/) };

test('certificates of daemons that expire soon warn, and so do their files and CAs', async () => {
  const authority = await Authority.make('authority', 2);
  const [short, long] = [await authority.issue(), await authority.issue({ days: 100 })];
  const daemons = await Promise.all([short, long].map((tls) => startDaemon({ tls })));
  const [soon, fine] = await Promise.all(
    daemons.map(({ addr }) => look({ endpoints: [addr], tls: { ca: authority.file, ...long } })),
  );
  expect(soon).toMatchObject({ 'daemon-health': { status: 'ok' }, 'daemon-certificates': SOON });
  expect(fine).toMatchObject({ 'daemon-health': { status: 'ok' }, 'daemon-certificates': FINE });
  expect(fine?.['tls-files']).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(/^the CA in --tls-ca expires/),
  });
  const lasting = await Authority.make('lasting', 100);
  const files = await look({ tls: { ca: lasting.file, ...short }, clientCa: `${authority.file}.none` });
  expect(files['tls-files']).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(/^the certificate in --tls-cert expires/),
  });
  expect(files['tls-client-ca']).toMatchObject({ status: 'failed', code: 'BAD_CERTIFICATE' });
  expect((await look({ tls: { ca: lasting.file, ...long } }))['tls-files']).toMatchObject(FINE);
});

test('the certificate of a daemon is checked, and not sent to daemons', async () => {
  const authority = await Authority.make();
  const [short, long] = [await authority.issue(), await authority.issue({ days: 100 })];
  const judged = async (daemonTls: typeof short) => (await look({ daemonTls }))['tls-daemon-files'];
  expect(await judged(long)).toMatchObject(FINE);
  expect(await judged(short)).toMatchObject(SOON);
  const mixed = {
    status: 'failed',
    code: 'BAD_CERTIFICATE',
    message: expect.stringContaining('is not the key'),
  };
  expect(await judged({ cert: long.cert, key: short.key })).toMatchObject(mixed);
  const { addr } = await startDaemon({ tls: { ...long, ca: authority.file } });
  const reports = await look({ endpoints: [addr], tls: { ca: authority.file }, daemonTls: long });
  expect(reports).toMatchObject({ 'tls-daemon-files': FINE, 'daemon-call': { status: 'failed' } });
});

test('a daemon of another CA fails as for a client', async () => {
  const [authority, stranger] = [await Authority.make(), await Authority.make('stranger')];
  const daemon = await startDaemon({ tls: await authority.issue() });
  const reports = await look({ endpoints: [daemon.addr], tls: { ca: stranger.file } });
  const fault = {
    status: 'failed',
    code: 'TLS_FAILED',
    message: expect.stringContaining('not trusted here'),
  };
  expect(reports).toMatchObject({ 'daemon-health': fault, 'daemon-call': fault });
});

test('certificates of Redis and etcd that expire soon warn', async () => {
  const authority = await Authority.make();
  const [short, long] = [await authority.issue(), await authority.issue({ days: 100 })];
  const ca = authority.file;
  const judged = async (pair: typeof short) => {
    const [redis, etcd] = [await startTlsRedis({ ca, ...pair }), await startEtcd({ ca, ...pair })];
    disposables.push(() => redis.stop());
    disposables.push(() => etcd.stop());
    const files = { ca, ...long };
    return look({ redis: redis.url, redisTls: files, etcd: etcd.host, etcdTls: files });
  };
  expect(await judged(short)).toMatchObject({ 'redis-certificates': SOON, 'etcd-certificates': SOON });
  expect(await judged(long)).toMatchObject({ 'redis-certificates': FINE, 'etcd-certificates': FINE });
});
