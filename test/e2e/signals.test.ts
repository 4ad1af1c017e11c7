import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';

const IMSTATE = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Runs a shell script with the command in $IMSTATE; it prints the process ID of the command as `pid N`. */
async function runScript(script: string) {
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  const env = { ...process.env, IMSTATE, IMSTATE_DATA_DIR: folder.path, IMSTATE_PORT: '0' };
  const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const ended = once(shell, 'close').then(([code]) => code as number);
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  const pid = async () =>
    Number(await until(() => /^pid (\d+)$/m.exec(output)?.[1], 'the script prints the process ID'));
  const signal = async (name: NodeJS.Signals) => process.kill(await pid(), name);
  disposables.push(async () => {
    if (shell.exitCode === null) await signal('SIGKILL').catch(() => {});
  });
  return { ended, output: () => output, signal };
}

/** Starts `imstate serve` through a script, and resolves when it serves. */
async function serve(script: string) {
  const run = await runScript(script);
  const addr = await until(() => /^address\s+(\S+)/m.exec(run.output())?.[1], 'the daemon is ready');
  const answers = async () => {
    const clients = grpcClients(addr);
    await clients.v1.getUser({ userId: 'alice' });
    clients.close();
  };
  return { ...run, answers };
}

const IN_THE_BACKGROUND = '$IMSTATE serve & echo pid $!; wait $!';

describe('a signal that is ignored when imstate starts stays ignored', () => {
  test.each([
    ['SIGHUP', 'nohup $IMSTATE serve & echo pid $!; wait $!'],
    ['SIGHUP', `trap '' HUP; ${IN_THE_BACKGROUND}`],
    ['SIGINT', IN_THE_BACKGROUND],
    ['SIGQUIT', IN_THE_BACKGROUND],
  ] as const)('%s to serve: %s', async (name, script) => {
    const daemon = await serve(script);
    await daemon.signal(name);
    await daemon.answers();
    await daemon.signal(name);
    await daemon.answers();
    expect(daemon.output()).not.toContain('stopping');
    await daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  test('SIGHUP to a client command under nohup', async () => {
    const daemon = await serve(IN_THE_BACKGROUND);
    const addr = /^address\s+(\S+)/m.exec(daemon.output())?.[1];
    const watch = await runScript(`nohup $IMSTATE watch --all --endpoint ${addr} & echo pid $!; wait $!`);
    await until(() => watch.output().includes('synced'), 'the watch is synced');
    await watch.signal('SIGHUP');
    const clients = grpcClients(addr as string);
    await clients.v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    clients.close();
    await until(() => watch.output().includes('alice/phone'), 'the watch continues');
    await watch.signal('SIGTERM');
    await watch.ended;
    await daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });
});

describe('a signal that is not ignored', () => {
  test.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)('%s stops serve', async (name) => {
    const daemon = await serve('echo pid $$; exec $IMSTATE serve');
    await daemon.signal(name);
    expect(await daemon.ended).toBe(0);
    expect(daemon.output()).toContain('stopped');
  });

  test('is not ignored because of the inherited environment of another imstate', async () => {
    const daemon = await serve('export IMSTATE_IGNORED_SIGNALS=SIGHUP; echo pid $$; exec $IMSTATE serve');
    await daemon.signal('SIGHUP');
    expect(await daemon.ended).toBe(0);
  });
});
