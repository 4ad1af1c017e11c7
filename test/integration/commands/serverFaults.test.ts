import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { loadProtos } from '../../../packages/client/src/wire/protos.ts';
import { disposables } from '../../support/disposables.ts';
import { runCli } from '../../support/runCli.ts';

/** A server that returns this status for each query, as the legacy server does when its store fails. */
async function startFailing(code: status, details: string): Promise<string> {
  const server = new Server();
  const fail = (_: object, callback: (error: object) => void) => callback({ code, details });
  server.addService(loadProtos().types.pb.UserStatus.service, {
    QueryUserStatus: fail,
    Online: fail,
    Offline: fail,
  });
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
  });
  disposables.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

const codes = ['UNKNOWN', 'ABORTED', 'DATA_LOSS', 'NOT_FOUND', 'INTERNAL'] as const;

test.each(codes)('prints one sentence without a stack trace if the server returns %s', async (name) => {
  const addr = await startFailing(status[name], 'redis: connection refused');
  for (const args of [
    ['query', 'alice', 'phone'],
    ['online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000'],
    ['offline', 'alice', 'phone'],
  ]) {
    const human = await runCli([...args, '--endpoint', addr]);
    expect(human.stderr).toMatch(/^Error: [^\n]*redis: connection refused[^\n]*\n$/);
    if (name !== 'INTERNAL') expect(human.stderr).toContain(`${addr} answered ${name} (`);
    expect([human.stdout, human.exitCode]).toEqual(['', 1]);
    const json = await runCli([...args, '--endpoint', addr, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'INTERNAL' } });
  }
});
