// Where the time of unary calls goes, from CPU profiles of the daemon and of the bare grpc-js server under
// the same load. Idle time is excluded.
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { Environment, type MeasuredProcess } from '../environment.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { sendUnary } from '../unaryLoad.ts';

const SENDERS = 4;
const METHODS = ['QueryUserStatus', 'Online'] as const;

/** Components by the file of a function. The first match counts. */
const COMPONENTS: [name: string, files: RegExp][] = [
  ['protobuf and messages', /protobufjs|@protobufjs|proto-loader|dist\/wire\//],
  ['grpc-js', /@grpc\//],
  ['ioredis', /ioredis|redis-parser|denque|cluster-key-slot|standard-as-callback/],
  ['imstate: calls and validation', /dist\/daemon\//],
  ['imstate: store', /dist\/store\//],
  ['node:http2', /internal\/http2|internal\/js_stream/],
  ['Node.js streams, sockets, timers, promises', /^node:/],
  ['other', /^file:|^\/|^evalmachine/],
];

/** The output of --cpu-prof, as far as it is used. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/** See the part's `about`. */
export const profile = definePart({
  name: 'profile',
  about: 'where the time of a unary call goes, from CPU profiles',
  isLong: true,
  options: {
    requests: { short: 40_000, full: 200_000, about: 'calls of each method' },
    top: { short: 0, full: 0, about: 'number of functions of the daemon to list on stderr' },
  },
  run: async (settings) => {
    const rows: Row[] = [];
    for (const method of METHODS) {
      const ours = await shares(method, settings, async (environment, node) =>
        environment.daemon({ redis: (await environment.redis()).url, node }),
      );
      const bare = await shares(method, settings, (environment, node) =>
        environment.server({ file: 'constantServer.ts', node }),
      );
      const reference = 'bare grpc-js server';
      for (const name of new Set([...ours.keys(), ...bare.keys()])) {
        const [mine, its] = [ours.get(name) ?? 0, bare.get(name) ?? 0];
        const figures = { row: `${method}: ${name}`, unit: 'µs of a call', values: [mine] };
        rows.push(makeRow(its > 0 ? { ...figures, reference: { name: reference, values: [its] } } : figures));
      }
    }
    return rows;
  },
});

/** Microseconds per call by component. */
async function shares(
  method: (typeof METHODS)[number],
  settings: { requests: string; top: string },
  start: (environment: Environment, node: string[]) => Promise<MeasuredProcess>,
): Promise<Map<string, number>> {
  return Environment.with(async (environment) => {
    const calls = Number(settings.requests);
    logProgress(`profile: ${method}`);
    const server = await start(environment, ['--cpu-prof', '--cpu-prof-dir', environment.directory]);
    const { path, requestSerialize } = loadProtos().types.pb.UserStatus.service[method];
    const requests = Array.from({ length: SENDERS }, (_, i) =>
      requestSerialize({ UserID: `user-${i}`, DeviceID: 'phone', ServerAddr: '10.0.0.1:9000' }),
    );
    await sendUnary({ addr: server.addr, path, requests, calls, directory: environment.directory });
    const exited = once(server.process, 'exit');
    server.process.kill('SIGTERM');
    await exited;
    const [file] = (await readdir(environment.directory)).filter((name) => name.endsWith('.cpuprofile'));
    const recorded = JSON.parse(
      await readFile(join(environment.directory, file as string), 'utf8'),
    ) as CpuProfile;
    if (Number(settings.top) > 0) for (const line of topOf(recorded, Number(settings.top))) logProgress(line);
    const spent = timeBy(recorded, componentOf);
    spent.delete('idle');
    return new Map([...spent].sort(([, a], [, b]) => b - a).map(([name, time]) => [name, time / calls]));
  });
}

type Frame = CpuProfile['nodes'][number]['callFrame'];

/** Self time of the frames in microseconds, summed by name. */
function timeBy(
  { nodes, samples, timeDeltas }: CpuProfile,
  nameOf: (frame: Frame) => string,
): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const spent = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) as string;
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[i] as number));
  }
  return spent;
}

function componentOf({ functionName, url }: Frame): string {
  if (functionName === '(idle)') return 'idle';
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return functionName === '(program)' ? 'native code, system calls' : 'built-in functions';
  return COMPONENTS.find(([, files]) => files.test(url))?.[0] ?? 'other';
}

function topOf(recorded: CpuProfile, count: number): string[] {
  const spent = timeBy(
    recorded,
    ({ functionName, url }) => `${functionName} ${url.split('/').slice(-3).join('/')}`,
  );
  spent.delete('(idle) ');
  const all = [...spent.values()].reduce((sum, each) => sum + each, 0);
  return [...spent]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => `${((time / all) * 100).toFixed(1).padStart(5)} % ${name}`);
}
