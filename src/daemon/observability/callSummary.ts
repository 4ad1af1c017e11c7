import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { CallCounts } from './callCounts.js';

const SECOND_MS = 1_000;
/** Load balancers ask for it all the time: it is no news. */
const HEALTH = 'grpc.health.v1.Health';

/** Logs, once a second at most and while there are any, how many calls and operations have ended since, by status. */
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

  /** Logs what is left, and no more after that. */
  close(): void {
    clearInterval(this.#timer);
    this.#write();
  }

  #write(): void {
    // At debug there has been a line of each.
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

/** What has been added to each total; undefined if nothing has. */
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
