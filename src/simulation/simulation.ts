import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { ChatServer } from './chatServer.js';
import type { Plan } from './plan.js';
import type { Device } from './population.js';
import { SimulationResults } from './results.js';
import { type CallEvent, type SimulationEvent, schedule } from './schedule.js';
import { StallDetector } from './stall.js';

/** Maximum calls in flight; later calls wait, and their wait counts. */
const MAX_IN_FLIGHT = 5_000;
/** Normal lateness of a timer; a call that starts later counts from its due time. Milliseconds. */
const TIMER_MS = 2;
/** A call that starts later than this shows that the requested load could not be generated. Milliseconds. */
const LATE_MS = 100;
/** How long --keep leaves sessions online: the maximum lease. */
const KEPT_MS = 3_600_000;
/** How long chat servers may take to get their leases at the end. */
const FINISH_MS = 5_000;
/** How long a stopped simulation waits for the next response before it gives up. Milliseconds. */
const STALL_MS = 3_000;
const CALL_OF = { login: 'online', logout: 'offline', query: 'query' } as const;

/** The outcome of a simulation. */
export interface Ending {
  /** Whether it was stopped early. */
  stopped: boolean;
  /** Sessions at the end, without those in a grace period. */
  online: number;
  /** Whether the sessions stay online. */
  kept: boolean;
  /** Sessions for which that failed: they end with the leases of their chat servers. */
  left: number;
}

/** Runs a plan against real daemons. */
export class Simulation {
  readonly results = new SimulationResults();
  /** Counts besides finished calls; `cut` are calls whose chat server crashed before the response. */
  readonly counts = { crashes: 0, cut: 0, ended: 0, disconnections: 0 };
  /** Calls that started more than 100 ms late, including missed calls, and the maximum lateness. */
  readonly late = { calls: 0, maxMs: 0 };
  readonly plan: Plan;
  readonly #connect: () => Promise<Client>;
  readonly #servers: ChatServer[];
  readonly #over = new AbortController();
  readonly #stopped = once(this.#over.signal, 'abort');
  readonly #stall = new StallDetector(STALL_MS);
  #client: Client | undefined;
  #startedAt = 0;
  #endedAt = 0;
  /** The last call in flight of each device. */
  readonly #calling = new Map<Device, Promise<void>>();
  #inFlight = 0;
  /** Waits for a call to end. */
  #onEnd = () => {};
  #failure: ImstateError | undefined;

  /** `connect` opens a client for each chat server and one for queries; run() closes them. */
  constructor(plan: Plan, connect: () => Promise<Client>) {
    this.plan = plan;
    this.#connect = connect;
    const around = {
      connect,
      run: randomBytes(6).toString('base64url'),
      onDisconnected: () => this.#count('disconnections'),
      onEnded: () => this.#count('ended'),
      onLost: (error: ImstateError) => this.#fail(error),
    };
    this.#servers = Array.from(
      { length: plan.servers },
      (_, i) => new ChatServer(`${plan.prefix}chat-${i + 1}:9000`, around),
    );
  }

  /** Run time in milliseconds; 0 before the start. */
  get elapsedMs(): number {
    if (this.#startedAt === 0) return 0;
    return (this.#endedAt || performance.now()) - this.#startedAt;
  }

  /** True once its duration has passed or it was stopped. */
  get isPlayed(): boolean {
    return this.#endedAt > 0;
  }

  /** Sessions of all chat servers. */
  get online(): number {
    return this.#servers.reduce((sum, { size }) => sum + size, 0);
  }

  get serversUp(): number {
    return this.#servers.filter(({ isUp }) => isUp).length;
  }

  /**
   * Starts the chat servers, runs the plan until its duration has passed or `stop` aborts, and logs all
   * sessions out, or leaves them online for an hour. After `stop` it gives up on calls without a response
   * within {@link STALL_MS}. Rejects if no daemon can be reached at the start, or a chat server may not work
   * here or has been taken over; calls that fail later are counted.
   */
  async run(stop: AbortSignal, { keep = false } = {}): Promise<Ending> {
    const end = () => {
      this.#stall.start();
      this.#over.abort();
    };
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();
    try {
      this.#client = await this.#connect();
      await Promise.race([this.#start(this.#client), this.#stopped]);
      await this.#play(this.#client);
      const stopped = this.#over.signal.aborted;
      const { online } = this;
      const left = await this.#finish(keep);
      if (this.#failure !== undefined) throw this.#failure;
      return { stopped, online, kept: keep, left };
    } finally {
      stop.removeEventListener('abort', end);
      this.#stall.close();
      await this.#close();
    }
  }

  async #start(client: Client): Promise<void> {
    // Fails fast if no daemon answers or permits the call: chat servers would retry forever.
    await client.getUser({ userId: `${this.plan.prefix}user-1` });
    if (!this.#over.signal.aborted) await Promise.all(this.#servers.map((server) => server.start()));
  }

  async #play(client: Client): Promise<void> {
    const { signal } = this.#over;
    const events = schedule(this.plan);
    // The first event creates the whole population.
    let next = events.next();
    this.#startedAt = performance.now();
    for (; !next.done && !signal.aborted; next = events.next()) {
      const dueAt = this.#startedAt + next.value.atMs;
      const waitMs = dueAt - performance.now();
      if (waitMs >= 1) await delay(waitMs, undefined, { signal }).catch(() => {});
      while (this.#inFlight >= MAX_IN_FLIGHT && !this.#isOver) await this.#someEnd();
      if (signal.aborted || this.#inFlight >= MAX_IN_FLIGHT) break;
      this.#begin(client, next.value, dueAt);
    }
    const restMs = this.plan.durationMs - this.elapsedMs;
    if (next.done && restMs > 0) await delay(restMs, undefined, { signal }).catch(() => {});
    const overMs = Math.min(this.elapsedMs, this.plan.durationMs);
    for (; !next.done && next.value.atMs < overMs; next = events.next()) this.#miss(next.value, overMs);
    while (this.#inFlight > 0 && !this.#stall.isStalled) {
      await Promise.race([this.#someEnd(), this.#stall.stalled]);
    }
    this.#endedAt = performance.now();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted || this.elapsedMs >= this.plan.durationMs;
  }

  /** Starts an event without waiting for it. */
  #begin(client: Client, event: SimulationEvent, dueAt: number): void {
    if (event.type === 'crash') {
      this.#count('crashes');
      this.#serverOf(event.server)
        .crash()
        .catch(() => {});
    } else if (event.type === 'restart') {
      // What prevents the start also fails its calls, which are counted.
      this.#serverOf(event.server)
        .start()
        .catch(() => {});
    } else {
      void this.#call(client, event, dueAt);
    }
  }

  async #call(client: Client, event: CallEvent, dueAt: number): Promise<void> {
    const call = CALL_OF[event.type];
    const lateMs = performance.now() - dueAt;
    this.#noteLate(lateMs);
    const from = lateMs > TIMER_MS ? dueAt : performance.now();
    this.#inFlight += 1;
    try {
      const isSeen = await this.#make(client, event);
      this.#stall.progress();
      if (isSeen) this.results.answered(call, performance.now() - from);
      else this.#count('cut');
    } catch (error) {
      this.results.failed(call, performance.now() - from, error as ImstateError);
    } finally {
      this.#inFlight -= 1;
      this.#onEnd();
    }
  }

  /** False if the caller crashed before the response. */
  async #make(client: Client, event: CallEvent): Promise<boolean> {
    if (event.type === 'login' || event.type === 'logout') return this.#change(event);
    await client.getUser({ userId: event.userId });
    return true;
  }

  /**
   * A device waits for the response to its last call: two concurrent calls of two chat servers have no order.
   */
  #change(event: Exclude<CallEvent, { type: 'query' }>): Promise<boolean> {
    const { device, server } = event.session;
    const make = () =>
      event.type === 'login'
        ? this.#serverOf(server).login(event.session)
        : this.#serverOf(server).logout(event.session, event.graceMs);
    const made = (this.#calling.get(device) ?? Promise.resolve()).then(make);
    const ended = made
      .catch(() => {})
      .then(() => {
        if (this.#calling.get(device) === ended) this.#calling.delete(device);
      });
    this.#calling.set(device, ended);
    return made;
  }

  #miss(event: SimulationEvent, overMs: number): void {
    if (event.type === 'crash' || event.type === 'restart') return;
    const waitedMs = overMs - event.atMs;
    this.results.missed(CALL_OF[event.type], waitedMs);
    this.#noteLate(waitedMs);
  }

  #noteLate(ms: number): void {
    if (ms > LATE_MS) this.late.calls += 1;
    this.late.maxMs = Math.max(this.late.maxMs, ms);
  }

  #someEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  /** Returns how many sessions could not be logged out or kept. */
  async #finish(keep: boolean): Promise<number> {
    let { online: waiting } = this;
    const onAnswer = (sessions: number) => {
      waiting -= sessions;
      this.#stall.progress();
    };
    const ends = this.#servers.map((server) => (keep ? this.#keep(server) : this.#logOut(server, onAnswer)));
    const left = Promise.all(ends).then((each) => each.reduce((sum, count) => sum + count, 0));
    return Promise.race([left, this.#stall.stalled.then(() => waiting)]);
  }

  async #keep(server: ChatServer): Promise<number> {
    return !server.isUp || (await isDone(server.keep(KEPT_MS))) ? 0 : server.size;
  }

  /** Restarts a crashed chat server, which ends its remaining sessions, unless another has taken over. */
  async #logOut(server: ChatServer, onAnswer: (sessions: number) => void): Promise<number> {
    if (!server.isUp && server.hasStarted && this.#failure === undefined) await isDone(server.start());
    return server.logoutAll(onAnswer);
  }

  async #close(): Promise<void> {
    await Promise.all([this.#client?.close(), ...this.#servers.map((server) => server.crash())]);
  }

  /** A chat server cannot continue, so the simulation stops. */
  #fail(error: ImstateError): void {
    this.#failure ??=
      error.code === 'SUPERSEDED'
        ? new ImstateError(
            'SUPERSEDED',
            `another simulation uses --prefix ${this.plan.prefix}: give each its own prefix`,
            { field: '--prefix' },
          )
        : error;
    this.#over.abort();
  }

  #count(what: 'crashes' | 'cut' | 'ended' | 'disconnections'): void {
    this.counts[what] += 1;
  }

  #serverOf(server: number): ChatServer {
    return this.#servers[server] as ChatServer;
  }
}

/** Whether the work finishes within the time limit of the end. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const done = work.then(
    () => true,
    () => false,
  );
  const late = delay(FINISH_MS, false, { signal: over.signal }).catch(() => false);
  return Promise.race([done, late]).finally(() => over.abort());
}
