import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { disposables } from './disposables.ts';

/** An HTTP proxy until the end of the test, which treats every host as this machine. */
export interface TestHttpProxy {
  url: string;
  /** Its requests, such as `CONNECT example:443` and `POST http://example/`. */
  readonly asked: string[];
}

/** Starts a proxy that forwards all requests to this port. */
export async function startHttpProxy(targetPort: number): Promise<TestHttpProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((inbound, answer) => {
    asked.push(`${inbound.method} ${inbound.url}`);
    const { method, headers, url = '' } = inbound;
    const { pathname } = new URL(url);
    const outbound = request({ host: '127.0.0.1', port: targetPort, method, headers, path: pathname });
    outbound.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outbound.on('error', () => answer.destroy());
    inbound.pipe(outbound);
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', ({ url }, inbound: Socket) => {
    asked.push(`CONNECT ${url}`);
    const outbound = connect(targetPort, '127.0.0.1');
    sockets.add(outbound);
    for (const socket of [inbound, outbound]) socket.on('error', () => {});
    inbound.write('HTTP/1.1 200 OK\r\n\r\n');
    inbound.pipe(outbound).pipe(inbound);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposables.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, asked };
}
