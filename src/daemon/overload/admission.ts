import type { ServerInterceptor } from '@grpc/grpc-js';
import { type Bounds, boundsOf, LIMITS, type LoadLimits } from '../../presence/limits.js';
import type { PatchReport } from '../internals/patchReport.js';
import { Slots } from '../internals/slots.js';
import type { CallObserver } from '../observability/callObserver.js';
import { AdmittedCall, type CallGate } from './admittedCall.js';
import type { CallRejection, Load } from './load.js';
import type { Kind } from './method.js';
import { Methods } from './methods.js';
import { HeldBytes } from './requests/heldBytes.js';
import type { Ending } from './requests/readCall.js';

const NAMES: Record<Kind, string> = {
  call: 'calls in flight (--max-calls-in-flight)',
  vital: 'calls in flight (--max-calls-in-flight)',
  watch: 'watches (--max-watches)',
  apply: 'streams of Apply',
  lease: 'streams of KeepServerAlive',
  probe: 'calls and streams of health',
  stream: 'streams of reflection',
};
const POLL_INTERVAL_MS = 500;

/**
 * Admits calls while there is room, by their headers alone: a rejected call is not even read. Ends open calls
 * whose request does not arrive, or whose response is not read, in time.
 */
export class Admission implements CallGate {
  readonly #bounds: Bounds;
  readonly #load: Load;
  readonly observer: CallObserver;
  readonly #methods: Methods;
  readonly #max: Record<Kind, number>;
  readonly #open = new Slots<AdmittedCall>();
  readonly #counts: Record<Kind, number> = {
    call: 0,
    vital: 0,
    watch: 0,
    apply: 0,
    lease: 0,
    probe: 0,
    stream: 0,
  };
  /** Calls and streams of each connection, of the kinds that are limited per connection. */
  readonly #ofConnection = new WeakMap<object, number>();
  /** Responses that were not sent yet. */
  readonly answers = new HeldBytes();
  /** Requests that are not finished yet. */
  readonly requests = new HeldBytes();
  readonly #checks: NodeJS.Timeout;
  /**
   * The coarse clock: the time of the next check, in milliseconds. Reading the clock for every call is
   * expensive. The coarse clock is ahead, so no limit is shortened.
   */
  now = performance.now() + POLL_INTERVAL_MS;

  constructor(load: Load, limits: LoadLimits, observer: CallObserver, patches: PatchReport) {
    const { maxCallsInFlight, maxWatches } = limits;
    this.#bounds = boundsOf(limits);
    this.#load = load;
    this.observer = observer;
    this.#methods = new Methods(observer, patches);
    this.#checks = setInterval(() => this.#check(), POLL_INTERVAL_MS).unref();
    this.#max = {
      call: maxCallsInFlight,
      vital: maxCallsInFlight + LIMITS.vitalCalls.max,
      watch: maxWatches,
      apply: LIMITS.applies.max,
      lease: LIMITS.leases.max,
      probe: LIMITS.probes.max,
      stream: LIMITS.otherStreams.max,
    };
  }

  /** Every call of every service passes this interceptor of the gRPC server. */
  readonly intercept: ServerInterceptor = (definition, call) =>
    new AdmittedCall(call, this, this.#methods.of(definition, call));

  /** Admits a call. Returns the rejection if there is no room. */
  admit(call: AdmittedCall): CallRejection | undefined {
    const why = this.#whyNot(call.kind) ?? this.#whyNotOn(call.connection, call.kind);
    if (why !== undefined) return this.#load.reject(why);
    this.#count(call, 1);
    call.slot = this.#open.take(call);
    return undefined;
  }

  /** The call is over, and its response was sent. */
  over(call: AdmittedCall): void {
    if (this.#open.at(call.slot) !== call) return;
    this.#open.leave(call.slot);
    this.#count(call, -1);
  }

  /** Ends the streams of a connection that are left. */
  endStreamsOf(connection: object, ending: Ending): void {
    this.#open.forEach((call) => {
      if (call.connection === connection) call.endStream(ending);
    });
  }

  /** Stops checking open calls. */
  close(): void {
    clearInterval(this.#checks);
  }

  /** The rejection if there is no room for this many more bytes of requests; undefined if there is. */
  rejectRequest({ connection, kind }: AdmittedCall, bytes: number): CallRejection | undefined {
    const more = kind === 'vital' || kind === 'lease' ? LIMITS.vitalRequests.max : 0;
    const { requests } = this;
    const why = kind === 'apply' ? this.#whyNotAnswer(connection) : undefined;
    if (why !== undefined) return this.#load.reject(why);
    if (requests.total + bytes > LIMITS.requests.max + more)
      return this.#load.reject(`the daemon holds ${requests.total} bytes of requests`);
    const ofConnection = requests.of(connection);
    if (ofConnection + bytes <= LIMITS.requestsOfConnection.max + more) return undefined;
    return this.#load.reject(`the daemon holds ${ofConnection} bytes of requests of this connection`);
  }

  /**
   * The rejection of a response about users, before it is encoded, while its connection does not read;
   * otherwise undefined.
   */
  rejectResponse({ connection, isRead }: AdmittedCall): CallRejection | undefined {
    const why = isRead ? this.#whyNotAnswer(connection) : undefined;
    return why === undefined ? undefined : this.#load.reject(why);
  }

  #whyNot(kind: Kind): string | undefined {
    const { call, vital } = this.#counts;
    const count = kind === 'call' || kind === 'vital' ? call + vital : this.#counts[kind];
    return count < this.#max[kind] ? undefined : `the daemon has ${count} ${NAMES[kind]}`;
  }

  #whyNotOn(connection: object, kind: Kind): string | undefined {
    if (hasLimitOnConnection(kind)) {
      const count = this.#ofConnection.get(connection) ?? 0;
      if (count < LIMITS.probesOfConnection.max) return undefined;
      return `the connection has ${count} calls and streams of health and reflection`;
    }
    return kind === 'call' ? this.#whyNotAnswer(connection) : undefined;
  }

  #whyNotAnswer(connection: object): string | undefined {
    const { answers } = this;
    if (answers.total === 0) return undefined;
    const held = answers.of(connection);
    if (held > LIMITS.answersOfConnection.max) {
      return `${held} bytes of answers wait until the caller reads them`;
    }
    if (answers.total <= LIMITS.answers.max) return undefined;
    return `${answers.total} bytes of answers wait until their callers read them`;
  }

  #count({ kind, connection }: AdmittedCall, calls: 1 | -1): void {
    this.#counts[kind] += calls;
    if (hasLimitOnConnection(kind))
      this.#ofConnection.set(connection, (this.#ofConnection.get(connection) ?? 0) + calls);
  }

  #check(): void {
    const now = performance.now();
    this.#open.forEach((call) => {
      call.checkTimeouts(now, this.#bounds);
    });
    this.now = now + POLL_INTERVAL_MS;
  }
}

/** True for calls without credentials, and calls that only people make: a connection needs few of them. */
function hasLimitOnConnection(kind: Kind): boolean {
  return kind === 'probe' || kind === 'stream';
}
