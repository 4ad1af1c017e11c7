// QueryUserStatus and Online on the Redis store, beside a bare grpc-js server that answers a constant.
// Both servers run on core 0, h2load and Redis on the others; rounds alternate. Prints a table; --json for programs.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { loadProtos } from '../src/wire/protos.ts';
import { grpcClients } from '../test/support/daemon.ts';
import { startRedis } from '../test/support/servers.ts';
import { median } from './figures.ts';
import { type Launched, launch, launchDaemon, otherCores, pin } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    methods: { type: 'string', default: 'QueryUserStatus,Online,Offline' },
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '16000' },
    json: { type: 'boolean', default: false },
  },
});
const ROUNDS = Number(options.rounds);
const REQUESTS = Number(options.requests);
/** Load generators, each for a user of its own; connections and concurrent calls of each. */
const SENDERS = 4;
const CONNECTIONS = 2;
const STREAMS = 16;
/** The JIT doubles the rate in the first 20,000 calls. */
const WARM_UP = 40_000;
const TICKS_PER_SECOND = 100;
type Method = 'QueryUserStatus' | 'Online' | 'Offline';
const METHODS = options.methods.split(',') as Method[];

interface Target extends Launched {
  name: 'constant' | 'imstate';
}

interface Measure {
  perSecond: number;
  perCpuSecond: number;
}

const folder = await mkdtemp(join(tmpdir(), 'imstate-bench-'));
const redis = await startRedis();
pin(redis.pid, otherCores());
const targets: Target[] = [
  { name: 'constant', ...(await launch(['--import', 'tsx', 'bench/constantServer.ts'], '0')) },
  { name: 'imstate', ...(await launchDaemon(redis.url, folder)) },
];
const measures = new Map<string, Measure[]>();
try {
  for (const target of targets) for (const method of METHODS) await load(target, method, WARM_UP);
  for (const target of targets) await verify(target);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const method of METHODS) {
      for (const target of round % 2 ? targets : [...targets].reverse()) {
        const key = `${method} ${target.name}`;
        measures.set(key, [...(measures.get(key) ?? []), await load(target, method, REQUESTS)]);
        process.stderr.write(`round ${round} of ${ROUNDS}: ${key}\n`);
      }
    }
  }
  for (const target of targets) await verify(target);
  report();
} finally {
  for (const target of targets) target.process.kill('SIGTERM');
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Sends the same number of requests from several connections, each for a user of its own. */
async function load(target: Target, method: Method, requests: number): Promise<Measure> {
  const bodies = await Promise.all(Array.from({ length: SENDERS }, (_, i) => bodyFile(method, i)));
  const cpuBefore = cpuSeconds(target.process.pid as number);
  const startedAt = performance.now();
  await Promise.all(bodies.map((body) => h2load(target.addr, method, body, Math.ceil(requests / SENDERS))));
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = cpuSeconds(target.process.pid as number) - cpuBefore;
  return { perSecond: requests / seconds, perCpuSecond: requests / cpu };
}

/** h2load counts what HTTP says; this asks what gRPC says of the very calls it sends. */
async function verify({ addr }: Target): Promise<void> {
  const { pb, close } = grpcClients(addr);
  for (let i = 0; i < SENDERS; i++) {
    await pb.online(fieldsOf(i));
    const { Status, ServerAddr } = await pb.query(fieldsOf(i));
    if (!Status || ServerAddr !== fieldsOf(i).ServerAddr) throw new Error(`${addr} answers wrongly`);
    await pb.offline(fieldsOf(i));
  }
  close();
}

function fieldsOf(index: number) {
  return { UserID: `user-${index}`, DeviceID: 'phone', ServerAddr: '10.0.0.1:9000' };
}

async function bodyFile(method: Method, index: number): Promise<string> {
  const { requestSerialize } = loadProtos().types.pb.UserStatus.service[method];
  const message = requestSerialize(fieldsOf(index));
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  const file = join(folder, `${method}-${index}`);
  await writeFile(file, Buffer.concat([frame, message]));
  return file;
}

async function h2load(addr: string, method: Method, body: string, requests: number): Promise<void> {
  const { stdout } = await promisify(execFile)('taskset', [
    ...[
      '-c',
      otherCores(),
      'h2load',
      '-n',
      `${requests}`,
      '-c',
      `${CONNECTIONS}`,
      '-m',
      `${STREAMS}`,
      '-d',
      body,
    ],
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `http://${addr}/pb.UserStatus/${method}`,
  ]);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1]);
  if (succeeded !== requests) throw new Error(`only ${succeeded} of ${requests} calls succeeded:\n${stdout}`);
}

/** User and system time of a process so far: fields 14 and 15 of /proc/<pid>/stat. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function report(): void {
  const rows = METHODS.map((method) => {
    const of = (name: Target['name'], figure: keyof Measure) =>
      (measures.get(`${method} ${name}`) ?? []).map((measure) => measure[figure]);
    const ratios = (figure: keyof Measure) =>
      of('imstate', figure).map((v, i) => v / (of('constant', figure)[i] as number));
    return {
      method,
      constantPerSecond: Math.round(median(of('constant', 'perSecond'))),
      imstatePerSecond: Math.round(median(of('imstate', 'perSecond'))),
      ratio: spread(ratios('perSecond')),
      ratioPerCpuSecond: spread(ratios('perCpuSecond')),
    };
  });
  if (options.json)
    console.log(
      JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds: ROUNDS, rows }, null, 2),
    );
  else {
    console.log(
      `Node.js ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${ROUNDS} rounds of ${REQUESTS} calls`,
    );
    console.table(rows);
  }
}

function spread(values: number[]): string {
  return [Math.min(...values), median(values), Math.max(...values)]
    .map((value) => value.toFixed(2))
    .join(' / ');
}
