import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Change, connect } from '../../../packages/client/src/index.ts';
import { Authority } from '../../support/authority.ts';
import { startChatInstance } from '../../support/chatInstance.ts';
import { scratchDirectory, TokenFile } from '../../support/credentials.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';
import { Devices } from '../rolling/devices.ts';
import { theOnly, writtenManifests } from './manifests.ts';

const BIN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));
const LEASE_MS = 1_000;

/** The command that the unit of systemd runs, in the syntax of a shell. */
async function execStop(): Promise<string> {
  const unit = await readFile('deploy/chat-server.service', 'utf8');
  return /^ExecStop=-\/usr\/local\/bin\/(.*)$/m.exec(unit)?.[1] as string;
}

/** The command that the pod runs. */
async function preStop(): Promise<string> {
  const [container] = theOnly(await writtenManifests(), 'Deployment', 'chat').spec.template.spec.containers;
  const [shell, flag, command] = container.lifecycle.preStop.exec.command;
  expect([shell, flag]).toEqual(['sh', '-c']);
  return command as string;
}

/** A daemon as that of the overlay for production, and the variables with which a chat server reaches it. */
async function startSecured() {
  const [authority, file] = [await Authority.make(), await TokenFile.make()];
  const daemon = await startDaemon({ tls: await authority.issue(), auth: { tokens: file.path } });
  const token = join(await scratchDirectory(), 'token');
  await writeFile(token, file.tokens.writer as string);
  const env = { IMSTATE_TLS_CA: authority.file, IMSTATE_TOKEN_FILE: token };
  const [container] = theOnly(await writtenManifests(), 'Deployment', 'chat').spec.template.spec.containers;
  const names = container.env.map(({ name }: { name: string }) => name);
  expect(names).toEqual(['POD_IP', 'IMSTATE_ENDPOINT', ...Object.keys(env)]);
  const client = await connect({
    endpoints: [daemon.addr],
    tls: { ca: authority.file },
    token: file.tokens.reader as string,
    timeoutMs: 30_000,
  });
  disposables.push(() => client.close());
  return { daemon, client, env, flags: ['--tls-ca', authority.file, '--token-file', token] };
}

test.each([
  ['ExecStop of the unit', execStop],
  ['preStop of the pod', preStop],
])('%s drains a chat server, whose users are never offline', async (_, commandOf) => {
  const { daemon, client, env: credentials, flags } = await startSecured();
  const [first, second] = await Promise.all(
    [1, 2].map(() => startChatInstance({ endpoint: daemon.addr, leaseMs: LEASE_MS, flags })),
  );
  const devices = new Devices([first?.url as string, second?.url as string]);
  disposables.push(() => devices.close());
  const users = Array.from({ length: 20 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => devices.connect(userId, 0)));
  const changes: Change[] = [];
  const watch = client.watch({ users });
  let isSynced = false;
  const watched = (async () => {
    for await (const event of watch) {
      isSynced ||= event.type === 'synced';
      if (event.type === 'change') changes.push(event);
    }
  })();
  disposables.push(async () => {
    watch.close();
    await watched;
  });

  await until(() => isSynced, 'the watch is synced');
  const folder = await scratchDirectory();
  await symlink(BIN, join(folder, 'imstate'));
  const addr = first?.addr as string;
  const env = { CHAT_ADDR: addr, POD_IP: '127.0.0.1', IMSTATE_ENDPOINT: daemon.addr, ...credentials };
  // The address of the example, and less time.
  const command = (await commandOf()).replace(':9000', addr.slice(addr.indexOf(':'))).replace('60s', '3s');
  const child = spawn('sh', ['-c', command], {
    env: { PATH: `${folder}:${process.env.PATH}`, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(output).toBe(`${addr} closes 20 sessions within 3s\n${addr} has no sessions left\n`);
  await until(() => changes.length >= users.length, 'all moves are delivered');
  expect(changes.filter(({ moved, online }) => !moved || !online)).toEqual([]);
});
