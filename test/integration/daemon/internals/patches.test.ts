import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { expect, test } from 'vitest';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { frame } from '../../../support/rawGrpc.ts';

const GET_USER = '/imstate.v1.PresenceService/GetUser';
const ALICE = frame(Buffer.from('0a05616c696365', 'hex'));

test('applies all patches of a daemon to the installed versions', async () => {
  const daemon = await startDaemon();
  const { v1, close } = grpcClients(daemon.addr);
  disposables.push(close);
  await v1.getUser({ userId: 'alice' });
  expect(daemon.logged.filter((line) => line.includes('"patch"'))).toEqual([]);
});

test('limits the authority and scheme of a call', async () => {
  const daemon = await startDaemon();
  const session = connectHttp2(`http://${daemon.addr}`);
  disposables.push(() => session.destroy());
  const statusOf = async (authority: string) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': GET_USER, ':authority': authority },
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {}).end(ALICE);
    const [headers] = await once(stream.resume(), 'response');
    return [headers['grpc-status'] ?? '0', decodeURI(headers['grpc-message'] ?? '')];
  };
  const scheme = 'http'.length;
  expect(await statusOf('a'.repeat(512 - scheme))).toEqual(['0', '']);
  expect(await statusOf('a'.repeat(513 - scheme))).toEqual([
    '8',
    'the authority and scheme of a call must be at most 512 bytes; these have 513',
  ]);
});
