import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { ChatServer } from './ChatServer.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '9001' },
    'hop-port': { type: 'string', default: '9101' },
    'lease-ms': { type: 'string', default: '10000' },
    endpoint: { type: 'string', default: '127.0.0.1:8080' },
    etcd: { type: 'string' },
    'token-file': { type: 'string' },
    'tls-ca': { type: 'string' },
  },
});

const chat = await ChatServer.start({
  host: values.host,
  port: Number(values.port),
  hopPort: Number(values['hop-port']),
  leaseTtlMs: Number(values['lease-ms']),
  imstate: {
    ...(values.etcd === undefined ? { endpoints: values.endpoint.split(',') } : { etcd: values.etcd }),
    tokenFile: values['token-file'],
    tls: values['tls-ca'] === undefined ? undefined : { ca: values['tls-ca'] },
  },
});
console.log(`clients   ${chat.url}\nimstate   ${chat.addr}`);

const stopping = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]).then(() => 0);
const superseded = chat.lost.then(({ message }) => {
  console.error(message);
  return 4;
});
process.exitCode = await Promise.race([stopping, superseded]);
await chat.stop();
