// The upper limit for unary calls in Node.js: a bare node:http2 server that sends the same responses as
// constantServer.ts.
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { loadProtos } from '../packages/client/src/wire/protos.ts';
import { framed } from './unaryLoad.ts';

const { service } = loadProtos().types.pb.UserStatus;
const online = service.QueryUserStatus.responseSerialize({
  Status: true,
  ServerAddr: '10.0.0.1:9000',
});
const responses: Record<string, Buffer> = {
  [service.QueryUserStatus.path]: framed(online),
  [service.Online.path]: framed(service.Online.responseSerialize({})),
  [service.Offline.path]: framed(service.Offline.responseSerialize({})),
};

const server = createServer();
server.on('stream', (stream, headers) => {
  stream.on('data', () => {});
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(responses[headers[':path'] as string]);
  });
  stream.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ addr: `127.0.0.1:${port}` })}\n`);
});
