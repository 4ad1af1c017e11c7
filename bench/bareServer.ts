// What the references that are grpc-js servers share.
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadProtos } from '../packages/client/src/wire/protos.ts';

/** Serves pb.UserStatus on a free port, with nothing around it, until SIGTERM. Prints {"addr": …}. */
export function serveUserStatus(handlers: UntypedServiceImplementation): void {
  const server = new Server();
  server.addService(loadProtos().types.pb.UserStatus.service, handlers);
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${JSON.stringify({ addr: `127.0.0.1:${port}` })}\n`);
  });
  process.once('SIGTERM', () => process.exit());
}
