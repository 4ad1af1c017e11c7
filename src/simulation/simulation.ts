import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { ChatServer } from './chatServer.js';
import type { Plan } from './plan.js';
import type { Device } from './population.js';
import { SimulationResults } from './results.js';
import { type CallStep, type Step, schedule } from './schedule.js';
import { StallDetector } from './stall.js';

/** Calls under way at the same time; what is due beyond waits, and its time counts all the same. */
const MAX_IN_FLIGHT = 5_000;
/** A timer may be so late when nothing is wrong; what begins later than that counts from when it was due. Milliseconds. */
const TIMER_MS = 2;
/** What begins later than this says that the load which was asked for could not be made. Milliseconds. */
const LATE_MS = 100;
/** How long --keep leaves sessions online: the longest lease. */
const KEPT_MS = 3_600_000;
/** How long chat servers may take at the end to get their leases. */
const FINISH_MS = 5_000;
/** How long a simulation that was stopped waits for the next answer before it gives up what is left. Milliseconds. */
const STALL_MS = 3_000;
const CALL_OF = { login: 'online', logout: 'offline', query: 'query' } as const;

/** How a simulation ended. */
export interface Ending {
  /** Whether it was stopped before its time was over. */
  stopped: boolean;
  /** How many sessions there were then, without those that were logged out and in a grace. */
  online: number;
  /** Whether they stay online. */
  kept: boolean;
  /** Of how many that failed: they end with the leases of their chat servers. */
  left: number;
}

/** Chat servers and users that do what a plan says, on real daemons. */
export class Simulation {
  readonly tally = new SimulationResults();
  /** What happened besides calls that ended; `cut` are those whose chat server crashed before it was answered. */
  readonly counts = { crashes: 0, cut: 0, ended: 0, disconnections: 0 };
  /** Calls that began more than 100 ms late, those that were missed among them, and how late one began at most. */
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
  /** The last call of each device that has one under way. */
  readonly #calling = new Map<Device, Promise<void>>();
  #underWay = 0;
  /** Whoever waits for a call to end. */
  #onEnd = () => {};
  #failure: ImstateError | undefined;

  /** `connect` makes a client for each chat server, and one for those who ask; run() closes them. */
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

  /** For how long it has run; 0 before it has begun. Milliseconds. */
  get elapsedMs(): number {
    if (this.#startedAt === 0) return 0;
    return (this.#endedAt || performance.now()) - this.#startedAt;
  }

  /** True when its time is over, or it was stopped. */
  get isPlayed(): boolean {
    return this.#endedAt > 0;
  }

  /** How many sessions the chat servers hold. */
  get online(): number {
    return this.#servers.reduce((sum, { size }) => sum + size, 0);
  }

  get serversUp(): number {
    return this.#servers.filter(({ isUp }) => isUp).length;
  }

  /**
   * Starts the chat servers, does what the plan says until its time is over or `stop` aborts, and logs everybody out, or leaves them
   * online for an hour. After `stop` it gives up what nobody answers within {@link STALL_MS}. Rejects if no daemon can be reached at the start, or a chat server may not work here or has been taken
   * over; calls that fail later are counted.
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
    // Nobody there, or not for us: chat servers alone would try again and again.
    await client.getUser({ userId: `${this.plan.prefix}user-1` });
    if (!this.#over.signal.aborted) await Promise.all(this.#servers.map((server) => server.start()));
  }

  async #play(client: Client): Promise<void> {
    const { signal } = this.#over;
    const steps = schedule(this.plan);
    // The first makes the whole town.
    let next = steps.next();
    this.#startedAt = performance.now();
    for (; !next.done && !signal.aborted; next = steps.next()) {
      const dueAt = this.#startedAt + next.value.atMs;
      const waitMs = dueAt - performance.now();
      if (waitMs >= 1) await delay(waitMs, undefined, { signal }).catch(() => {});
      while (this.#underWay >= MAX_IN_FLIGHT && !this.#isOver) await this.#someEnd();
      if (signal.aborted || this.#underWay >= MAX_IN_FLIGHT) break;
      this.#begin(client, next.value, dueAt);
    }
    const restMs = this.plan.durationMs - this.elapsedMs;
    if (next.done && restMs > 0) await delay(restMs, undefined, { signal }).catch(() => {});
    const overMs = Math.min(this.elapsedMs, this.plan.durationMs);
    for (; !next.done && next.value.atMs < overMs; next = steps.next()) this.#miss(next.value, overMs);
    while (this.#underWay > 0 && !this.#stall.isStalled) {
      await Promise.race([this.#someEnd(), this.#stall.stalled]);
    }
    this.#endedAt = performance.now();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted || this.elapsedMs >= this.plan.durationMs;
  }

  /** Begins a step and does not wait for it. */
  #begin(client: Client, step: Step, dueAt: number): void {
    if (step.type === 'crash') {
      this.#count('crashes');
      this.#serverOf(step.server)
        .crash()
        .catch(() => {});
    } else if (step.type === 'restart') {
      // What keeps it from starting fails its calls too, which are counted.
      this.#serverOf(step.server)
        .start()
        .catch(() => {});
    } else {
      void this.#call(client, step, dueAt);
    }
  }

  async #call(client: Client, step: CallStep, dueAt: number): Promise<void> {
    const call = CALL_OF[step.type];
    const lateMs = performance.now() - dueAt;
    this.#noteLate(lateMs);
    const from = lateMs > TIMER_MS ? dueAt : performance.now();
    this.#underWay += 1;
    try {
      const isSeen = await this.#make(client, step);
      this.#stall.progress();
      if (isSeen) this.tally.answered(call, performance.now() - from);
      else this.#count('cut');
    } catch (error) {
      this.tally.failed(call, performance.now() - from, error as ImstateError);
    } finally {
      this.#underWay -= 1;
      this.#onEnd();
    }
  }

  /** False if nobody is there any more to see the answer. */
  async #make(client: Client, step: CallStep): Promise<boolean> {
    if (step.type === 'login' || step.type === 'logout') return this.#change(step);
    await client.getUser({ userId: step.userId });
    return true;
  }

  /** A device waits for the answer to its last call: of two calls at once, of two chat servers, either may come first. */
  #change(step: Exclude<CallStep, { type: 'query' }>): Promise<boolean> {
    const { device, server } = step.session;
    const make = () =>
      step.type === 'login'
        ? this.#serverOf(server).login(step.session)
        : this.#serverOf(server).logout(step.session, step.graceMs);
    const made = (this.#calling.get(device) ?? Promise.resolve()).then(make);
    const ended = made
      .catch(() => {})
      .then(() => {
        if (this.#calling.get(device) === ended) this.#calling.delete(device);
      });
    this.#calling.set(device, ended);
    return made;
  }

  #miss(step: Step, overMs: number): void {
    if (step.type === 'crash' || step.type === 'restart') return;
    const waitedMs = overMs - step.atMs;
    this.tally.missed(CALL_OF[step.type], waitedMs);
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

  /** Returns how many sessions could not be logged out, or kept. */
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

  /** A chat server that is down starts again, which ends what its crash has left online; not where another has taken over. */
  async #logOut(server: ChatServer, onAnswer: (sessions: number) => void): Promise<number> {
    if (!server.isUp && server.hasStarted && this.#failure === undefined) await isDone(server.start());
    return server.logoutAll(onAnswer);
  }

  async #close(): Promise<void> {
    await Promise.all([this.#client?.close(), ...this.#servers.map((server) => server.crash())]);
  }

  /** A chat server may not go on: neither may the simulation. */
  #fail(error: ImstateError): void {
    this.#failure ??=
      error.code === 'SUPERSEDED'
        ? new ImstateError(
            'SUPERSEDED',
            `another simulation with --prefix ${this.plan.prefix} has begun: give each its own`,
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

/** Whether the work is done in the time that the end may take. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const done = work.then(
    () => true,
    () => false,
  );
  const late = delay(FINISH_MS, false, { signal: over.signal }).catch(() => false);
  return Promise.race([done, late]).finally(() => over.abort());
}
