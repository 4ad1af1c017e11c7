import { expect, test } from 'vitest';
import { clientOf, startDaemon } from '../../support/disposables.ts';
import { ask } from '../../support/http.ts';
import { runCli } from '../../support/runCli.ts';

const SERVER = '10.0.0.1:9000';

test('commands print with --json what the HTTP API answers', async () => {
  const { addr, http } = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
  const client = await clientOf(addr);
  const server = client.server({ addr: SERVER, leaseTtlMs: 3_600_000 });
  await server.ready;
  // Nothing changes from here on but by what follows.
  server.close();
  const login = { userId: 'alice', serverAddr: SERVER, serverIncarnation: server.incarnation };
  await client.online({ ...login, deviceId: 'phone', platform: 'ios', metadata: { app: '1.2' } });
  await client.online({ ...login, deviceId: 'web', ttlMs: 3_600_000 });
  for (const [deviceId, graceMs] of [['tablet', 0] as const, ['tv', 600_000] as const]) {
    await client.online({ ...login, deviceId, sessionId: deviceId });
    await client.offline({ userId: 'alice', deviceId, sessionId: deviceId, graceMs });
  }
  // Commands say whether there is more; the API says where it begins.
  const printed = async (...args: string[]) => {
    const { more: _, ...answer } = JSON.parse((await runCli([...args, '--json', '--endpoint', addr])).stdout);
    return answer;
  };
  const answered = async (call: string) => {
    const { nextPageToken: _, ...answer } = JSON.parse((await ask(`${http}/api/v1/${call}`)).text);
    return answer;
  };
  const user = await printed('query', 'alice', '--explain');
  expect(user.devices).toHaveLength(4);
  expect(user).toEqual(await answered('query?userId=alice&explain=true'));
  expect(await printed('query', 'alice')).toEqual(await answered('query?userId=alice'));
  expect(await printed('history', 'alice')).toEqual(await answered('history?userId=alice'));
  expect(await printed('sessions')).toEqual(await answered('sessions'));
  expect(await printed('servers')).toEqual(await answered('servers'));
  expect(await printed('stats')).toEqual(await answered('stats'));
});
