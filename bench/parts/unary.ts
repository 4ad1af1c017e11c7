// Unary calls of pb.UserStatus on the Redis store, compared with servers that do less: a bare grpc-js server
// and a bare node:http2 server that return a constant, and a bare grpc-js server on the legacy Redis layout.
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { grpcClients } from '../../test/support/daemon.ts';
import { type Cost, measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess } from '../environment.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { sendUnary } from '../unaryLoad.ts';

/** Load generators. Each uses its own user. */
const SENDERS = 4;
const METHODS = ['QueryUserStatus', 'Online', 'Offline'] as const;
type Method = (typeof METHODS)[number];
type Name = 'imstate' | 'constant' | 'flagged' | 'http2' | 'legacy';
const NAMES: Record<Name, string> = {
  imstate: 'imstate',
  constant: 'bare grpc-js server',
  flagged: 'bare grpc-js server, V8 flag of imstate',
  http2: 'bare node:http2 server',
  legacy: 'legacy layout',
};

/** The cost of some calls: CPU time of the server, of imstate's Redis, and of the legacy Redis. */
interface Measure extends Cost {
  calls: number;
}

/** See the part's `about`. */
export const unary = definePart({
  name: 'unary',
  about: 'unary calls of pb.UserStatus, compared with bare servers',
  options: {
    rounds: { short: 3, full: 15, about: 'rounds, alternating between the servers' },
    requests: { short: 8_000, full: 16_000, about: 'calls per round, method and server' },
    // The JIT compiler doubles the rate during the first 20,000 calls.
    'warm-up': { short: 20_000, full: 40_000, about: 'calls before the first round, per method and server' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const [rounds, calls] = [Number(settings.rounds), Number(settings.requests)];
      const redis = await environment.redis();
      const legacyRedis = await environment.redis();
      const targets: [Name, MeasuredProcess][] = [
        ['imstate', await environment.daemon({ redis: redis.url })],
        ['constant', await environment.server({ file: 'constantServer.ts' })],
        [
          'flagged',
          await environment.server({ file: 'constantServer.ts', node: ['--no-allocation-site-pretenuring'] }),
        ],
        ['http2', await environment.server({ file: 'http2Server.ts' })],
        ['legacy', await environment.server({ file: 'legacyServer.ts', args: [legacyRedis.url] })],
      ];
      const measure = async (target: MeasuredProcess, method: Method, count: number): Promise<Measure> => {
        const cost = await measureCpu([[target.pid], [redis.pid], [legacyRedis.pid]], () =>
          sendUnary({
            addr: target.addr,
            path: `/pb.UserStatus/${method}`,
            calls: count,
            directory: environment.directory,
            requests: Array.from({ length: SENDERS }, (_, i) => requestOf(method, i)),
          }),
        );
        return { ...cost, calls: count };
      };
      const measures = new Map<string, Measure[]>();
      for (const [, target] of targets) {
        for (const method of METHODS) await measure(target, method, Number(settings['warm-up']));
        await verify(target);
      }
      for (let round = 1; round <= rounds; round++) {
        logProgress(`unary: round ${round} of ${rounds}`);
        for (const method of METHODS) {
          for (const [name, target] of round % 2 ? targets : [...targets].reverse()) {
            const key = `${method} ${name}`;
            measures.set(key, [...(measures.get(key) ?? []), await measure(target, method, calls)]);
          }
        }
      }
      for (const [, target] of targets) await verify(target);
      return METHODS.flatMap((method) => rowsOf(method, (name) => measures.get(`${method} ${name}`) ?? []));
    }),
});

function rowsOf(method: Method, of: (name: Name) => Measure[]): Row[] {
  const perSecond = (name: Name) => of(name).map(({ calls, seconds }) => calls / seconds);
  const perCpu = (name: Name) => of(name).map(({ calls, cpu }) => calls / (cpu[0] as number));
  const ofRedis = (name: Name, index: number) =>
    of(name).map(({ calls, cpu }) => ((cpu[index] as number) / calls) * 1e6);
  const comparedWith = (name: Name, values: (name: Name) => number[]) => ({
    values: values('imstate'),
    reference: { name: NAMES[name], values: values(name) },
  });
  const [wall, cpu] = ['calls/s', 'calls/CPU s of the server'];
  return [
    makeRow({
      row: method,
      unit: wall,
      ...comparedWith('constant', perSecond),
      goal: { figure: 'ratio', atLeast: 0.9 },
    }),
    makeRow({
      row: method,
      unit: cpu,
      ...comparedWith('constant', perCpu),
      goal: { figure: 'ratio', atLeast: 0.9 },
    }),
    makeRow({ row: method, unit: cpu, ...comparedWith('flagged', perCpu) }),
    makeRow({ row: method, unit: cpu, ...comparedWith('http2', perCpu) }),
    makeRow({ row: method, unit: cpu, ...comparedWith('legacy', perCpu) }),
    makeRow({
      row: method,
      unit: 'µs CPU of Redis/call',
      values: ofRedis('imstate', 1),
      reference: { name: NAMES.legacy, values: ofRedis('legacy', 2) },
    }),
  ];
}

/** Checks the gRPC responses to the calls of the load, because the load checks only the HTTP status. */
async function verify({ addr }: MeasuredProcess): Promise<void> {
  const { pb, close } = grpcClients(addr);
  for (let i = 0; i < SENDERS; i++) {
    await pb.online(fieldsOf(i));
    const { Status, ServerAddr } = await pb.query(fieldsOf(i));
    if (!Status || ServerAddr !== fieldsOf(i).ServerAddr)
      throw new Error(`${addr} returned a wrong response`);
    await pb.offline(fieldsOf(i));
  }
  close();
}

function requestOf(method: Method, index: number): Buffer {
  return loadProtos().types.pb.UserStatus.service[method].requestSerialize(fieldsOf(index));
}

function fieldsOf(index: number) {
  return { UserID: `user-${index}`, DeviceID: 'phone', ServerAddr: '10.0.0.1:9000' };
}
