import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { expect, test } from 'vitest';
import { loadProtos } from '../../../packages/client/src/wire/protos.ts';
import { clientOf, disposables } from '../../support/disposables.ts';
import { runImstate } from '../../support/imstate.ts';

/** A daemon of a version that has PresenceService, and none of the calls that were added since. */
async function startOlderDaemon(): Promise<string> {
  const server = new Server();
  const { GetStats } = loadProtos().types.imstate.v1.PresenceService.service;
  server.addService({ GetStats } as ServiceDefinition, {
    GetStats: (_: unknown, done: (error: null, stats: object) => void) => done(null, {}),
  });
  new HealthImplementation({ '': 'SERVING', 'imstate.v1.PresenceService': 'SERVING' }).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
  });
  disposables.push(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

test('says which version a call needs that the daemon does not know', async () => {
  const addr = await startOlderDaemon();
  const client = await clientOf(addr);
  await client.getStats();
  await expect(client.listAudit()).rejects.toMatchObject({
    code: 'UNIMPLEMENTED',
    message: expect.stringMatching(/needs imstate 0\.2\.0 or later/),
  });
  const { exitCode, stderr } = await runImstate(['audit', '--endpoint', addr]);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('needs imstate 0.2.0 or later')]);
});
