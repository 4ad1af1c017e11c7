// The calls of pb.UserStatus on the Redis store, beside servers that do less: one that answers a constant with grpc-js, one that
// does with node:http2 alone, and one that uses the article's layout.
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { grpcClients } from '../../test/support/daemon.ts';
import { type Cost, costOf } from '../cpu.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition, type Measured } from '../place.ts';
import { sendUnary } from '../unaryLoad.ts';

/** Load generators, each for a user of its own. */
const SENDERS = 4;
const METHODS = ['QueryUserStatus', 'Online', 'Offline'] as const;
type Method = (typeof METHODS)[number];
type Name = 'imstate' | 'constant' | 'flagged' | 'http2' | 'article';
const NAMES: Record<Name, string> = {
  imstate: 'imstate',
  constant: 'grpc-js that answers a constant',
  flagged: 'the same, with the flag of V8 that imstate sets',
  http2: 'node:http2 that answers a constant',
  article: "the article's commands",
};

/** What calls took: CPU of the server, of imstate's Redis, and of the article's. */
interface Measure extends Cost {
  calls: number;
}

/** See the part's `about`. */
export const unary = definePart({
  name: 'unary',
  about: 'unary calls of pb.UserStatus beside bare servers',
  options: {
    rounds: { short: 3, full: 15, about: 'how often each server is measured, in alternation' },
    requests: { short: 8_000, full: 16_000, about: 'calls a round, method and server' },
    // The JIT doubles the rate in the first 20,000 calls.
    'warm-up': { short: 20_000, full: 40_000, about: 'calls before the first round, a method and server' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const [rounds, calls] = [Number(settings.rounds), Number(settings.requests)];
      const redis = await place.redis();
      const ofArticle = await place.redis();
      const targets: [Name, Measured][] = [
        ['imstate', await place.daemon({ redis: redis.url })],
        ['constant', await place.server({ file: 'constantServer.ts' })],
        [
          'flagged',
          await place.server({ file: 'constantServer.ts', node: ['--no-allocation-site-pretenuring'] }),
        ],
        ['http2', await place.server({ file: 'http2Server.ts' })],
        ['article', await place.server({ file: 'articleServer.ts', args: [ofArticle.url] })],
      ];
      const measure = async (target: Measured, method: Method, count: number): Promise<Measure> => {
        const cost = await costOf([[target.pid], [redis.pid], [ofArticle.pid]], () =>
          sendUnary({
            addr: target.addr,
            path: `/pb.UserStatus/${method}`,
            calls: count,
            folder: place.folder,
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
        say(`unary: round ${round} of ${rounds}`);
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
  const beside = (name: Name, values: (name: Name) => number[]) => ({
    values: values('imstate'),
    reference: { name: NAMES[name], values: values(name) },
  });
  const [wall, cpu] = ['calls/s', 'calls/CPU s of the server'];
  return [
    makeRow({
      row: method,
      unit: wall,
      ...beside('constant', perSecond),
      goal: { figure: 'ratio', atLeast: 0.9 },
    }),
    makeRow({
      row: method,
      unit: cpu,
      ...beside('constant', perCpu),
      goal: { figure: 'ratio', atLeast: 0.9 },
    }),
    makeRow({ row: method, unit: cpu, ...beside('flagged', perCpu) }),
    makeRow({ row: method, unit: cpu, ...beside('http2', perCpu) }),
    makeRow({ row: method, unit: cpu, ...beside('article', perCpu) }),
    makeRow({
      row: method,
      unit: 'µs CPU of Redis/call',
      values: ofRedis('imstate', 1),
      reference: { name: NAMES.article, values: ofRedis('article', 2) },
    }),
  ];
}

/** The load counts what HTTP says; this asks what gRPC says of the very calls it sends. */
async function verify({ addr }: Measured): Promise<void> {
  const { pb, close } = grpcClients(addr);
  for (let i = 0; i < SENDERS; i++) {
    await pb.online(fieldsOf(i));
    const { Status, ServerAddr } = await pb.query(fieldsOf(i));
    if (!Status || ServerAddr !== fieldsOf(i).ServerAddr) throw new Error(`${addr} answers wrongly`);
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
