import { EventQueue } from './eventQueue.js';
import type { Plan } from './plan.js';
import { type Device, type PlannedSession, Population } from './population.js';
import { Random } from './random.js';

/** A call, with its time since the start in milliseconds. */
export type CallEvent = { atMs: number } & (
  | { type: 'login'; session: PlannedSession }
  | { type: 'logout'; session: PlannedSession; graceMs: number }
  | { type: 'query'; userId: string }
);

/** An event, with its time since the start in milliseconds. */
export type SimulationEvent =
  | CallEvent
  | { atMs: number; type: 'crash'; server: number }
  | { atMs: number; type: 'restart'; server: number };

type EventSource = (atMs: number) => SimulationEvent | undefined;

/** Percentage of logins by connected devices that move to another chat server and replace their session. */
const MOVES = 0.02;
/**
 * How long a flapping connection holds and is gone, the grace period of its chat server (milliseconds), and
 * how often it flaps.
 */
const FLAP = { holds: [1_000, 5_000], gone: [300, 3_000], times: [1, 4], graceMs: 5_000 } as const;
/** How long a device takes to reconnect, and a crashed chat server to restart. Milliseconds. */
const AFTER_CRASH = { reconnect: [500, 5_000], restart: [2_000, 8_000] } as const;

/** All events of a plan in order of time, determined by the plan alone. */
export function* schedule(plan: Plan): Generator<SimulationEvent, void> {
  const events = new Timetable(plan).events;
  for (let next = events.take(); next !== undefined && next.atMs < plan.durationMs; next = events.take()) {
    const event = next.item(next.atMs);
    if (event !== undefined) yield event;
  }
}

/** The pending events; each event enqueues those that follow from it. */
class Timetable {
  readonly events = new EventQueue<EventSource>();
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #population: Population;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#population = new Population(plan, this.#random);
    this.#repeat(1_000 / plan.logins, (atMs) => this.#arrive(atMs));
    this.#repeat(1_000 / plan.queries, (atMs) => ({
      atMs,
      type: 'query',
      userId: this.#population.anyUser(),
    }));
    this.#repeat(plan.crashEveryMs, (atMs) => this.#crash(atMs));
  }

  /** A Poisson process with the given mean interval. */
  #repeat(meanMs: number, source: EventSource, fromMs = 0): void {
    if (meanMs === Infinity) return;
    this.events.add(fromMs + this.#random.exponential(meanMs), (atMs) => {
      this.#repeat(meanMs, source, atMs);
      return source(atMs);
    });
  }

  #arrive(atMs: number): SimulationEvent {
    const random = this.#random;
    const moves = random.chance(MOVES);
    const device = (moves ? undefined : this.#population.deviceAway()) ?? this.#population.anyDevice();
    const flaps = random.chance(this.#plan.flapping / 100) ? random.between(...FLAP.times) : 0;
    return this.#login(atMs, device, flaps);
  }

  #login(atMs: number, device: Device, flaps: number): SimulationEvent {
    const session = this.#population.connect(device);
    const lastsMs =
      flaps > 0 ? this.#random.between(...FLAP.holds) : this.#random.exponential(this.#plan.sessionMs);
    this.events.add(atMs + lastsMs, (endMs) => this.#end(endMs, session, flaps));
    return { atMs, type: 'login', session };
  }

  #end(atMs: number, session: PlannedSession, flaps: number): SimulationEvent | undefined {
    // The device moved, or its chat server crashed.
    if (session.device.session !== session) return undefined;
    this.#population.disconnect(session, flaps > 0);
    if (flaps === 0) return { atMs, type: 'logout', session, graceMs: 0 };
    this.#comeBack(atMs + this.#random.between(...FLAP.gone), session.device, flaps - 1);
    return { atMs, type: 'logout', session, graceMs: FLAP.graceMs };
  }

  #comeBack(atMs: number, device: Device, flaps: number): void {
    this.events.add(atMs, (backMs) =>
      device.session === undefined ? this.#login(backMs, device, flaps) : undefined,
    );
  }

  #crash(atMs: number): SimulationEvent | undefined {
    const crashed = this.#population.crash();
    if (crashed === undefined) return undefined;
    const { server, devices } = crashed;
    for (const device of devices) {
      this.#comeBack(atMs + this.#random.between(...AFTER_CRASH.reconnect), device, 0);
    }
    this.events.add(atMs + this.#random.between(...AFTER_CRASH.restart), (upMs) => {
      this.#population.restart(server);
      return { atMs: upMs, type: 'restart', server };
    });
    return { atMs, type: 'crash', server };
  }
}
