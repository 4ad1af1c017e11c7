import { expect, test } from 'vitest';
import { Authority } from '../../support/authority.ts';
import { disposables } from '../../support/disposables.ts';
import { runImstate, spawnImstate, startImstate } from '../../support/imstate.ts';
import { runCli } from '../../support/runCli.ts';
import { startEtcd, temporaryDirectory } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

async function serve(...flags: string[]) {
  const daemon = await startImstate('serve', '--port', '0', ...flags);
  disposables.push(() => daemon.kill());
  return daemon;
}

test('serve reports TLS, and client commands call it with flags or environment variables', async () => {
  const authority = await Authority.make();
  const { cert, key } = await authority.issue();
  const own = await authority.issue({ subject: 'chat-1' });
  const { addr, dataDir, stdout } = await serve(
    ...['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', authority.file],
  );
  expect(stdout()).toMatch(/^tls {7}mutual, valid until 20\d\d-/m);

  const flags = ['--tls-ca', authority.file, '--tls-cert', own.cert, '--tls-key', own.key];
  expect(await runCli(['query', 'alice', '--endpoint', addr, ...flags])).toMatchObject({ exitCode: 0 });
  // Directly or through the registry, and with a server name other than the dialled host.
  const files = { IMSTATE_TLS_CA: authority.file, IMSTATE_TLS_CERT: own.cert, IMSTATE_TLS_KEY: own.key };
  const env = { ...files, IMSTATE_TLS_SERVER_NAME: 'localhost', IMSTATE_DATA_DIR: dataDir };
  expect((await runCli(['online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000'], env)).exitCode).toBe(
    0,
  );
  expect((await runCli(['query', 'alice'], env)).stdout).toContain('alice is online');
  expect((await runCli(['endpoints'], env)).stdout).toContain('SERVING');

  const unknown = await runCli(['endpoints', '--tls'], { IMSTATE_DATA_DIR: dataDir });
  expect(unknown.stdout).toContain('UNREACHABLE');
  expect(unknown.stderr).toMatch(/^warning: the daemon at .* not trusted here .* --tls-ca$/m);
  const plain = await runCli(['query', 'alice', '--json'], { IMSTATE_DATA_DIR: dataDir });
  expect(plain.exitCode).toBe(3);
  expect(JSON.parse(plain.stdout)).toMatchObject({
    error: { code: 'UNAVAILABLE', message: expect.stringContaining('add --tls') },
  });
});

test('serve and client commands exit with 2 for an unusable file', async () => {
  const authority = await Authority.make();
  const { cert, key } = await authority.issue({ days: -1 });
  const over = await runImstate(['serve', '--port', '0', '--tls-cert', cert, '--tls-key', key]);
  expect(over).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/--tls-cert \S+ expired on .*: have your CA sign a new one/),
  });
  const alone = await runImstate(['serve', '--port', '0', '--tls-client-ca', authority.file]);
  expect(alone).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--tls-client-ca needs --tls-cert and --tls-key'),
  });
  const nowhere = await runCli(['query', 'alice', '--endpoint', '127.0.0.1:1', '--tls-ca', '/nowhere']);
  expect(nowhere).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--tls-ca /nowhere cannot be read'),
  });
});

test('warns about an exposed daemon without TLS in the log and the output, also with --json', async () => {
  const { stdout, stderr } = await serve('--addr', '0.0.0.0');
  expect(stdout()).toMatch(/^warning {3}0\.0\.0\.0:\d+ is open to other machines without TLS: .*--tls-cert/m);
  expect(stderr()).toMatch(/"level":40,.*without TLS/);

  const { path, remove } = await temporaryDirectory();
  disposables.push(remove);
  const json = spawnImstate(['serve', '--port', '0', '--addr', '0.0.0.0', '--json', '--data-dir', path]);
  await until(() => json.stdout().includes('}'), 'the object is printed');
  json.signal('SIGTERM');
  await json.ended;
  expect(JSON.parse(json.stdout())).toMatchObject({
    tls: null,
    warnings: [expect.stringContaining('without TLS'), expect.stringContaining('without authentication')],
  });
});

test('finds daemons through an etcd with TLS, without deprecation warnings', async () => {
  const authority = await Authority.make();
  const etcd = await startEtcd({ ca: authority.file, ...(await authority.issue({ subject: 'etcd' })) });
  disposables.push(() => etcd.stop());
  const { cert, key } = await authority.issue({ subject: 'client' });
  const files = ['--etcd-tls-ca', authority.file, '--etcd-tls-cert', cert, '--etcd-tls-key', key];
  const { exitCode, stdout, stderr } = await runImstate(['endpoints', '--etcd', etcd.host, ...files]);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining('no daemon is registered'),
    stderr: '',
  });
});
