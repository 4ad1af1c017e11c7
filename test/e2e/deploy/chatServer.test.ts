import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Change } from '../../../packages/client/src/index.ts';
import { startChatInstance } from '../../support/chatInstance.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';
import { Devices } from '../rolling/devices.ts';
import { theOnly, writtenManifests } from './manifests.ts';

const BIN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));
const LEASE_MS = 1_000;

/** The command that the unit of systemd runs, in the syntax of a shell. */
async function execStop(): Promise<string> {
  const unit = await readFile('deploy/chat-server.service', 'utf8');
  return /^ExecStop=\/usr\/local\/bin\/(.*)$/m.exec(unit)?.[1] as string;
}

/** The command that the pod runs. */
async function preStop(): Promise<string> {
  const [container] = theOnly(await writtenManifests(), 'Deployment', 'chat').spec.template.spec.containers;
  const [shell, flag, command] = container.lifecycle.preStop.exec.command;
  expect([shell, flag]).toEqual(['sh', '-c']);
  return command;
}

test.each([
  ['ExecStop of the unit', execStop],
  ['preStop of the pod', preStop],
])('%s drains a chat server, whose users are never offline', async (_, commandOf) => {
  const daemon = await startDaemon();
  const client = await clientOf(daemon.addr);
  const [first, second] = await Promise.all(
    [1, 2].map(() => startChatInstance({ endpoint: daemon.addr, leaseMs: LEASE_MS })),
  );
  const devices = new Devices([first?.url as string, second?.url as string]);
  disposables.push(() => devices.close());
  const users = Array.from({ length: 20 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => devices.connect(userId, 0)));
  const changes: Change[] = [];
  const watch = client.watch({ users });
  const watched = (async () => {
    for await (const event of watch) if (event.type === 'change') changes.push(event);
  })();
  disposables.push(async () => {
    watch.close();
    await watched;
  });

  const folder = await scratchDirectory();
  await symlink(BIN, join(folder, 'imstate'));
  const addr = first?.addr as string;
  const env = { CHAT_ADDR: addr, POD_IP: '127.0.0.1', IMSTATE_ENDPOINT: daemon.addr };
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
