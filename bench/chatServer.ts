// A chat server for benchmarks: keeps its lease alive and holds sessions until it is killed. Prints {"addr":
// …} when all of them are logged in. Its users are "<addr>/0", "<addr>/1" and so on.
import { parseArgs } from 'node:util';
import { connect } from '../packages/client/src/index.ts';

const { values: options } = parseArgs({
  options: {
    daemon: { type: 'string', default: '' },
    addr: { type: 'string', default: '' },
    sessions: { type: 'string', default: '' },
    'lease-ms': { type: 'string', default: '' },
  },
});
const CONCURRENT_LOGINS = 128;
const { daemon, addr } = options;
const ttlMs = Number(options['lease-ms']);

const client = await connect({ endpoints: [daemon], timeoutMs: 30_000 });
const onError = ({ message }: Error) => process.stderr.write(`${addr}: ${message}\n`);
const server = client.server({ addr, leaseTtlMs: ttlMs, onError });
await server.ready;

const users = Array.from({ length: Number(options.sessions) }, (_, i) => `${addr}/${i}`).values();
const logIn = async () => {
  for (const userId of users) await server.online({ userId, deviceId: 'phone', platform: 'ios' });
};
await Promise.all(Array.from({ length: CONCURRENT_LOGINS }, logIn));
process.stdout.write(`${JSON.stringify({ addr })}\n`);
