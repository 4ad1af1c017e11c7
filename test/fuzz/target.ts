import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { type Imstate, startImstate } from '../support/imstate.ts';
import { frame, rawGrpc } from '../support/rawGrpc.ts';
import { faultOf } from './answers.ts';
import { type BytesCase, sendBytes } from './bytes.ts';
import { type CallCase, headersOf } from './calls.ts';
import { inconsistencies } from './consistency.ts';

/** Upper bound of the time for an immediate response, on any machine. */
const GIVE_UP_MS = 30_000;
const HEALTH = '/grpc.health.v1.Health/Check';
const SERVING = frame(Buffer.of(0x08, 0x01));
const LOG_OF_FAULT = /internal error|"code":"INTERNAL"|"level":[56]0/;

/** The daemon under test, in a separate process. */
export class Target {
  /** How many calls returned each gRPC status, or HTTP status if there was none. */
  readonly statuses: Record<string, number> = {};
  readonly #daemon: Imstate;
  readonly #client: Client;

  private constructor(daemon: Imstate, client: Client) {
    this.#daemon = daemon;
    this.#client = client;
  }

  /** `args` are added to `imstate serve`. */
  static async start(...args: string[]): Promise<Target> {
    const daemon = await startImstate('serve', '--port', '0', '--log-level', 'warn', ...args);
    const client = await connect({ endpoints: [daemon.addr], timeoutMs: GIVE_UP_MS });
    return new Target(daemon, client);
  }

  /** Sends all calls at once, those with odd headers on separate connections; describes what was wrong. */
  async call(calls: CallCase[]): Promise<string[]> {
    const shared = rawGrpc(this.#daemon.addr);
    const wrong = await Promise.all(calls.map((call) => this.#one(call, shared)));
    shared.destroy();
    return wrong.flat();
  }

  async #one(call: CallCase, shared: ReturnType<typeof rawGrpc>): Promise<string[]> {
    const isOdd = Object.keys(call.headers).length > 0;
    const raw = isOdd ? rawGrpc(this.#daemon.addr) : shared;
    const chunks = call.chunks.map((chunk) => Buffer.from(chunk, 'hex'));
    const answer = await raw.send(call.path, chunks, headersOf(call), {
      isOpen: call.isOpen,
      giveUpMs: GIVE_UP_MS,
    });
    if (isOdd) raw.destroy();
    const { ':status': http = 'reset', 'grpc-status': code = `HTTP ${http}` } = answer.headers;
    this.statuses[String(code)] = (this.statuses[String(code)] ?? 0) + 1;
    const fault = faultOf(call, answer);
    return fault === undefined ? [] : [`${fault}: ${JSON.stringify(call)}`];
  }

  /** Sends bytes on TCP connections; describes what was wrong. */
  async bytes(cases: BytesCase[]): Promise<string[]> {
    const wrong = await Promise.all(cases.map((each) => sendBytes(this.#daemon.addr, each)));
    return wrong.flatMap((fault, i) =>
      fault === undefined ? [] : [`${fault}: ${JSON.stringify(cases[i])}`],
    );
  }

  /** Signs of a fault: the daemon does not respond, or has logged an internal error. */
  async faults(): Promise<string[]> {
    const faults = this.#daemon
      .stderr()
      .split('\n')
      .filter((line) => LOG_OF_FAULT.test(line));
    try {
      const raw = rawGrpc(this.#daemon.addr);
      const { body } = await raw.send(HEALTH, frame(Buffer.alloc(0)), {}, { giveUpMs: GIVE_UP_MS });
      raw.destroy();
      if (!body.equals(SERVING)) faults.push(`health answers ${body.toString('hex')}`);
      await this.#client.getUser({ userId: 'alice' });
    } catch (error) {
      faults.push(`a query failed: ${error}; ${this.#daemon.stderr().slice(-2_000)}`);
    }
    return faults;
  }

  /** Inconsistencies of its records that do not disappear with the next sweep. */
  async inconsistencies(): Promise<string[]> {
    const giveUpAt = Date.now() + GIVE_UP_MS;
    for (;;) {
      const found = await inconsistencies(this.#client);
      if (found.length === 0 || Date.now() > giveUpAt) return found;
      await delay(100);
    }
  }

  /** The number of its open files and sockets. */
  async openFiles(): Promise<number> {
    return (await readdir(`/proc/${this.#daemon.pid}/fd`)).length;
  }

  get addr(): string {
    return this.#daemon.addr;
  }

  async stop(): Promise<void> {
    await this.#client.close();
    await this.#daemon.kill();
  }
}
