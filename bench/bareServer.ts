// The common code of the reference servers that use grpc-js.
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadProtos } from '../packages/client/src/wire/protos.ts';

/** Serves pb.UserStatus on a free port until SIGTERM, without interceptors. Prints {"addr": …}. */
export function serveUserStatus(handlers: UntypedServiceImplementation): void {
  const server = new Server();
  server.addService(loadProtos().types.pb.UserStatus.service, handlers);
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${JSON.stringify({ addr: `127.0.0.1:${port}` })}\n`);
  });
  process.once('SIGTERM', () => process.exit());
}
