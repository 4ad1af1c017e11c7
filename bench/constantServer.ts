// The reference: a bare grpc-js server of pb.UserStatus that answers a constant. Prints its port.
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { loadProtos } from '../src/wire/protos.ts';

const online = { Status: true, ServerAddr: '10.0.0.1:9000' };
const answer =
  (response: object): UntypedHandleCall =>
  (_call: unknown, callback: (e: null, r: object) => void) =>
    callback(null, response);

const server = new Server();
server.addService(loadProtos().types.pb.UserStatus.service, {
  QueryUserStatus: answer(online),
  Online: answer({}),
  Offline: answer({}),
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ addr: `127.0.0.1:${port}` })}\n`);
});
process.once('SIGTERM', () => server.forceShutdown());
