import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { CallCounts } from './callCounts.js';

const SECOND_MS = 1_000;
/** Load balancers ask for it all the time: it is no news. */
const HEALTH = 'grpc.health.v1.Health';

/** Tells the log, once a second at most and while there are any, how many calls were over since: of each method, by status. */
export class CallSummary {
  readonly #counts: CallCounts;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  /** What was told, by method and status. */
  #told = new Map<string, number>();

  constructor(counts: CallCounts, log: Logger) {
    this.#counts = counts;
    this.#log = log;
    this.#timer = setInterval(() => this.#tell(), SECOND_MS).unref();
  }

  /** Tells what is left to tell, and no more after that. */
  close(): void {
    clearInterval(this.#timer);
    this.#tell();
  }

  #tell(): void {
    // At debug there has been a line of each.
    if (!this.#log.isLevelEnabled('info') || this.#log.isLevelEnabled('debug')) return;
    const now = countsOf(this.#counts);
    const calls: Record<string, number> = {};
    let sum = 0;
    for (const [name, count] of now) {
      const since = count - (this.#told.get(name) ?? 0);
      if (since > 0) calls[name] = since;
      sum += since;
    }
    this.#told = now;
    if (sum > 0) this.#log.info({ calls }, `${sum} ${sum === 1 ? 'call' : 'calls'}`);
  }
}

/** How many calls are over, by `Method STATUS`. */
function countsOf(counts: CallCounts): Map<string, number> {
  const found = new Map<string, number>();
  for (const of of counts.methods()) {
    const { service, method } = of;
    if (service === HEALTH) continue;
    for (const [code, { count }] of of.codes()) found.set(`${service}/${method} ${status[code]}`, count);
  }
  return found;
}
