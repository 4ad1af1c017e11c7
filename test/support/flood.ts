// Load from a separate process: calls of Online of pb.UserStatus as prepared frames, so that sending costs
// little and the daemon is overloaded first. Prints one JSON object, see FloodReport. Arguments: addr,
// connections, calls per second, seconds. A rate of 0 keeps one call in flight on each connection.
import { fileURLToPath } from 'node:url';
import { frame } from './rawGrpc.ts';
import { callHeaders, END_HEADERS, END_STREAM, FRAME, type Frame, http2Frame, rawHttp2 } from './rawHttp2.ts';

/** The outcome of the calls. */
export interface FloodReport {
  sent: number;
  /** The number of responses by gRPC status. */
  answered: Record<string, number>;
  perSecond: number;
  /** The latency of the calls with status OK. */
  latencyMs: { median: number; p99: number; max: number };
}

export const FLOOD = fileURLToPath(import.meta.url);

/** The limit of a daemon is 1,000; a gRPC client waits beyond it. */
const STREAMS_AT_ONCE = 1_000;
const STEP_MS = 5;
const DRAIN_MS = 15_000;
/** "grpc-status" in HPACK, as a daemon writes it without a dynamic table. The length and the value follow. */
const STATUS_NAME = Buffer.from('9acac8b21234da8f', 'hex');
const NO_TABLE = http2Frame(FRAME.settings, 0, 0, Buffer.from('0001000000000004' + '7fffffff', 'hex'));
const WIDE_WINDOW = http2Frame(FRAME.windowUpdate, 0, 0, Buffer.from('7fff0000', 'hex'));
const HEADERS = callHeaders('/pb.UserStatus/Online');

const text = (field: number, value: string) =>
  Buffer.concat([Buffer.of(field * 8 + 2, value.length), Buffer.from(value)]);

/** One connection of the flood. */
class Sender {
  sent = 0;
  readonly answered: Record<string, number> = {};
  readonly latencies: number[] = [];
  readonly #open = new Map<number, number>();
  readonly #http2: ReturnType<typeof rawHttp2>;
  readonly #name: string;
  onAnswer = () => {};
  #stream = 1;

  constructor(addr: string, name: string) {
    this.#name = name;
    this.#http2 = rawHttp2(addr, (got) => this.#take(got));
    void this.#http2.send(NO_TABLE, WIDE_WINDOW);
  }

  get open(): number {
    return this.#open.size;
  }

  /** Sends calls, as far as there is room for them. */
  send(count: number): void {
    const frames: Buffer[] = [];
    for (let i = 0; i < count && this.#open.size < STREAMS_AT_ONCE; i++) {
      const login = [
        text(1, `${this.#name}-${this.sent % 1_000}`),
        text(2, 'phone'),
        text(4, '10.0.0.1:9000'),
      ];
      frames.push(
        http2Frame(FRAME.headers, END_HEADERS, this.#stream, HEADERS),
        http2Frame(FRAME.data, END_STREAM, this.#stream, frame(Buffer.concat(login))),
      );
      this.#open.set(this.#stream, performance.now());
      this.#stream += 2;
      this.sent += 1;
    }
    if (frames.length > 0) void this.#http2.send(...frames);
  }

  close(): void {
    this.#http2.socket.destroy();
  }

  #take({ type, flags, stream, payload }: Frame): void {
    if (type === FRAME.ping && flags === 0) void this.#http2.send(http2Frame(FRAME.ping, 1, 0, payload));
    const isLast = (type === FRAME.headers && (flags & END_STREAM) !== 0) || type === FRAME.reset;
    const sentAt = this.#open.get(stream);
    if (!isLast || sentAt === undefined) return;
    this.#open.delete(stream);
    const status = type === FRAME.reset ? 'reset' : statusOf(payload);
    this.answered[status] = (this.answered[status] ?? 0) + 1;
    if (status === '0') this.latencies.push(performance.now() - sentAt);
    this.onAnswer();
  }
}

function statusOf(block: Buffer): string {
  const at = block.indexOf(STATUS_NAME) + STATUS_NAME.length;
  return block.toString('latin1', at + 1, at + 1 + block.readUInt8(at));
}

async function run(addr: string, connections: number, rate: number, seconds: number): Promise<FloodReport> {
  const senders = Array.from({ length: connections }, (_, i) => new Sender(addr, `${process.pid}-${i}`));
  const beganAt = performance.now();
  const elapsed = () => (performance.now() - beganAt) / 1_000;
  let due = 0;
  const tick = () => {
    const wanted = Math.floor(elapsed() * rate) - due;
    due += wanted;
    for (const sender of senders) sender.send(Math.ceil(wanted / connections));
  };
  if (rate === 0) {
    for (const sender of senders) {
      sender.onAnswer = () => elapsed() < seconds && sender.send(1);
      sender.send(1);
    }
  }
  while (elapsed() < seconds) {
    if (rate > 0) tick();
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  const sentFor = elapsed();
  for (let waited = 0; waited < DRAIN_MS && senders.some(({ open }) => open > 0); waited += STEP_MS)
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  for (const sender of senders) sender.close();
  return reportOf(senders, sentFor);
}

function reportOf(senders: Sender[], seconds: number): FloodReport {
  const latencies = senders.flatMap((sender) => sender.latencies).sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor((latencies.length - 1) * part)] ?? Number.NaN;
  const answered: Record<string, number> = {};
  for (const sender of senders)
    for (const [status, count] of Object.entries(sender.answered))
      answered[status] = (answered[status] ?? 0) + count;
  return {
    sent: senders.reduce((sum, sender) => sum + sender.sent, 0),
    answered,
    perSecond: Math.round((answered['0'] ?? 0) / seconds),
    latencyMs: { median: at(0.5), p99: at(0.99), max: at(1) },
  };
}

if (process.argv[1] === FLOOD) {
  const [addr = '', connections, rate, seconds] = process.argv.slice(2);
  console.log(JSON.stringify(await run(addr, Number(connections), Number(rate), Number(seconds))));
}
