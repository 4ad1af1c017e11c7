import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import { Authority } from '../../support/authority.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { disposables } from '../../support/disposables.ts';
import { startProgram } from '../../support/imstate.ts';
import { freePort } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { imageEnv } from './imageEnv.ts';

test.each(['plain HTTP', 'TLS'])(
  "the container's health check passes only while the daemon serves, with %s",
  async (transport) => {
    const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
    const check = /^HEALTHCHECK .*\\\n {2}CMD (.*)$/m.exec(dockerfile)?.[1] as string;
    const env: Record<string, string> = { IMSTATE_HTTP_PORT: `${await freePort()}` };
    if (transport === 'TLS') {
      const { cert, key } = await (await Authority.make()).issue({ names: ['DNS:imstate.example.com'] });
      Object.assign(env, { IMSTATE_TLS_CERT: cert, IMSTATE_TLS_KEY: key });
    }
    const daemon = await startProgram(['serve', '--port', '0'], { env });
    disposables.push(() => daemon.kill());
    // A directory without Node.js.
    const folder = await scratchDirectory();
    await symlink('/usr/bin/curl', join(folder, 'curl'));
    const isHealthy = async () => {
      const checked = spawn('/bin/sh', ['-c', check], { env: { PATH: folder, ...env } });
      return (await once(checked, 'exit'))[0] === 0;
    };
    await until(isHealthy, 'the daemon is healthy');
    daemon.signal('SIGSTOP');
    expect(await isHealthy()).toBe(false);
    daemon.signal('SIGCONT');
    await until(isHealthy, 'the daemon is healthy again');
    await daemon.kill();
    expect(await isHealthy()).toBe(false);
  },
);

test('exposes the ports that the daemon listens on, and has a numeric user', async () => {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const { IMSTATE_PORT, IMSTATE_HTTP_PORT } = await imageEnv();
  expect(/^EXPOSE (.*)$/m.exec(dockerfile)?.[1]).toBe(`${IMSTATE_PORT} ${IMSTATE_HTTP_PORT}`);
  // Kubernetes starts no other with runAsNonRoot.
  expect(/^USER (.*)$/m.exec(dockerfile)?.[1]).toMatch(/^[1-9]\d*$/);
});

test('copies the files of the package into the image', async () => {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const copied = [...dockerfile.matchAll(/^COPY --from=build (.*) \S+$/gm)].flatMap(([, sources]) =>
    (sources as string).split(' '),
  );
  const ofClient = ['package.json', 'dist'].map((name) => `packages/client/${name}`);
  expect(copied.map((path) => path.replace('/src/', '')).sort()).toEqual(
    [...pkg.files, ...ofClient, 'package.json', 'node_modules'].sort(),
  );
});

/** Output of the build, which is not in the clone. */
const BUILT = ['dist', 'docs/imstate.schema.json', 'node_modules', 'oclif.manifest.json'];

test('does not exclude any file that the image build copies', async () => {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const ignored = await readFile('deploy/Dockerfile.dockerignore', 'utf8');
  const sent = [...ignored.matchAll(/^!(.*)$/gm)].map(([, path]) => path as string);
  const copied = [...dockerfile.matchAll(/^COPY (?:--from=build )?([^.\n].*) \S+$/gm)]
    .flatMap(([, sources]) => (sources as string).split(' '))
    .map((path) => path.replace('/src/', ''))
    .filter((path) => !BUILT.includes(path));
  const isSent = (path: string) => sent.some((each) => path === each || path.startsWith(`${each}/`));
  expect(copied).toContain('package.json');
  expect(copied.filter((path) => !isSent(path))).toEqual([]);
});
