import { Server, ServerCredentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import type { PresenceServiceHandlers } from '../../../packages/client/src/generated/imstate/v1/PresenceService.ts';
import { loadProtos } from '../../../packages/client/src/wire/protos.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';

const serverAddr = '10.0.0.1:9000';

test('a search finds sessions, and says how many it compared', async () => {
  const client = await clientOf((await startDaemon()).addr);
  for (const userId of ['alice', 'alicia', 'bob'])
    await client.online({ userId, deviceId: 'phone', serverAddr, sessionId: `${userId}-1` });
  const users = async (request: Parameters<typeof client.listSessions>[0]) => {
    const { sessions, scanned } = await client.listSessions(request);
    return [scanned, ...sessions.map(({ userId }) => userId).sort()];
  };
  expect(await users({ userIdPrefix: 'ali' })).toEqual([3, 'alice', 'alicia']);
  expect(await users({ deviceId: 'phone', sessionId: 'bob-1' })).toEqual([3, 'bob']);
  expect(await users({ userIdPrefix: undefined, pageSize: 1 })).toEqual([1, expect.any(String)]);
});

test('a search on a daemon that ignores the filters fails, and does not return all sessions', async () => {
  const { types } = loadProtos();
  const server = new Server();
  const handlers: Pick<PresenceServiceHandlers, 'ListSessions'> = {
    ListSessions: (_, callback) => {
      const device = { deviceId: 'phone', online: true, serverAddr, sessionId: 's-1' };
      callback(null, { sessions: [{ userId: 'bob', device }], nextPageToken: '', partial: false });
    },
  };
  server.addService(types.imstate.v1.PresenceService.service, handlers);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  disposables.push(() => server.forceShutdown());
  const client = await clientOf(`127.0.0.1:${port}`);
  expect((await client.listSessions()).sessions).toHaveLength(1);
  await expect(client.listSessions({ userIdPrefix: 'ali' })).rejects.toMatchObject({
    code: 'UNIMPLEMENTED',
    message: expect.stringContaining('cannot search'),
  });
});
