import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { CallCounts } from './callCounts.js';

const SECOND_MS = 1_000;
/** Load balancers call it all the time: not worth a line. */
const HEALTH = 'grpc.health.v1.Health';

/**
 * Logs how many calls and operations have ended, by status, at most once a second and only if there were any.
 */
export class CallSummary {
  readonly #counts: CallCounts;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  /** What was logged: totals by method and status, and by operation and status. */
  #calls = new Map<string, number>();
  #operations = new Map<string, number>();

  constructor(counts: CallCounts, log: Logger) {
    this.#counts = counts;
    this.#log = log;
    this.#timer = setInterval(() => this.#write(), SECOND_MS).unref();
  }

  /** Logs what is left, and stops. */
  close(): void {
    clearInterval(this.#timer);
    this.#write();
  }

  #write(): void {
    // At level debug each of them has its own line.
    if (!this.#log.isLevelEnabled('info') || this.#log.isLevelEnabled('debug')) return;
    const [calls, operations] = [callsOf(this.#counts), operationsOf(this.#counts)];
    const ended = {
      operations: since(this.#operations, operations),
      calls: since(this.#calls, calls),
    };
    [this.#calls, this.#operations] = [calls, operations];
    if (ended.operations || ended.calls) this.#log.info(ended, 'operations and calls');
  }
}

/** The increase of each total; undefined if there is none. */
function since(before: Map<string, number>, now: Map<string, number>): Record<string, number> | undefined {
  const added: Record<string, number> = {};
  for (const [name, count] of now) {
    const more = count - (before.get(name) ?? 0);
    if (more > 0) added[name] = more;
  }
  return Object.keys(added).length > 0 ? added : undefined;
}

/** How many calls are over, by `service/Method STATUS`. */
function callsOf(counts: CallCounts): Map<string, number> {
  const found = new Map<string, number>();
  for (const method of counts.methods()) {
    if (method.service === HEALTH) continue;
    const name = `${method.service}/${method.method}`;
    for (const [code, { count }] of method.codes()) found.set(`${name} ${status[code]}`, count);
  }
  return found;
}

/** How many operations are over, by `operation STATUS`. */
function operationsOf({ operations }: CallCounts): Map<string, number> {
  const found = new Map<string, number>();
  for (const { name, counts } of operations.totals())
    for (const [code, count] of counts) found.set(`${name} ${status[code]}`, count);
  return found;
}
