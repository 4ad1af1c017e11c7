import { EventQueue } from './eventQueue.js';
import type { Plan } from './plan.js';
import { type Device, type PlannedSession, Population } from './population.js';
import { Random } from './random.js';

/** A call that somebody makes so long after the begin. Milliseconds. */
export type CallStep = { atMs: number } & (
  | { type: 'login'; session: PlannedSession }
  | { type: 'logout'; session: PlannedSession; graceMs: number }
  | { type: 'query'; userId: string }
);

/** Something that happens so long after the begin. Milliseconds. */
export type Step =
  | CallStep
  | { atMs: number; type: 'crash'; server: number }
  | { atMs: number; type: 'restart'; server: number };

type SimulationEvent = (atMs: number) => Step | undefined;

/** How many logins of a hundred are of a device that is connected and moves to another chat server: its old session is replaced. */
const MOVES = 0.02;
/** A connection that flaps holds so long, is gone so long, and does so up to so often. Milliseconds, a chat server's grace too. */
const FLAP = { holds: [1_000, 5_000], gone: [300, 3_000], times: [1, 4], graceMs: 5_000 } as const;
/** Until a device has found another chat server, and until a chat server that crashed is there again. Milliseconds. */
const AFTER_CRASH = { reconnect: [500, 5_000], restart: [2_000, 8_000] } as const;

/** Everything that happens by a plan, in order of time: nothing but the plan decides it. */
export function* schedule(plan: Plan): Generator<Step, void> {
  const agenda = new Timetable(plan).agenda;
  for (let next = agenda.take(); next !== undefined && next.atMs < plan.durationMs; next = agenda.take()) {
    const step = next.item(next.atMs);
    if (step !== undefined) yield step;
  }
}

/** What is to happen, where each happening puts those that follow from it into the agenda. */
class Timetable {
  readonly agenda = new EventQueue<SimulationEvent>();
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #town: Population;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#town = new Population(plan, this.#random);
    this.#repeat(1_000 / plan.logins, (atMs) => this.#arrive(atMs));
    this.#repeat(1_000 / plan.queries, (atMs) => ({ atMs, type: 'query', userId: this.#town.anyUser() }));
    this.#repeat(plan.crashEveryMs, (atMs) => this.#crash(atMs));
  }

  /** Once in so long, on average, independent of what else happens. */
  #repeat(meanMs: number, happening: SimulationEvent, fromMs = 0): void {
    if (meanMs === Infinity) return;
    this.agenda.add(fromMs + this.#random.exponential(meanMs), (atMs) => {
      this.#repeat(meanMs, happening, atMs);
      return happening(atMs);
    });
  }

  #arrive(atMs: number): Step {
    const random = this.#random;
    const moves = random.chance(MOVES);
    const device = (moves ? undefined : this.#town.deviceAway()) ?? this.#town.anyDevice();
    const flaps = random.chance(this.#plan.flapping / 100) ? random.between(...FLAP.times) : 0;
    return this.#login(atMs, device, flaps);
  }

  #login(atMs: number, device: Device, flaps: number): Step {
    const session = this.#town.connect(device);
    const lastsMs =
      flaps > 0 ? this.#random.between(...FLAP.holds) : this.#random.exponential(this.#plan.sessionMs);
    this.agenda.add(atMs + lastsMs, (endMs) => this.#end(endMs, session, flaps));
    return { atMs, type: 'login', session };
  }

  #end(atMs: number, session: PlannedSession, flaps: number): Step | undefined {
    // It moved, or its chat server crashed.
    if (session.device.session !== session) return undefined;
    this.#town.disconnect(session, flaps > 0);
    if (flaps === 0) return { atMs, type: 'logout', session, graceMs: 0 };
    this.#comeBack(atMs + this.#random.between(...FLAP.gone), session.device, flaps - 1);
    return { atMs, type: 'logout', session, graceMs: FLAP.graceMs };
  }

  #comeBack(atMs: number, device: Device, flaps: number): void {
    this.agenda.add(atMs, (backMs) =>
      device.session === undefined ? this.#login(backMs, device, flaps) : undefined,
    );
  }

  #crash(atMs: number): Step | undefined {
    const crashed = this.#town.crash();
    if (crashed === undefined) return undefined;
    const { server, devices } = crashed;
    for (const device of devices) {
      this.#comeBack(atMs + this.#random.between(...AFTER_CRASH.reconnect), device, 0);
    }
    this.agenda.add(atMs + this.#random.between(...AFTER_CRASH.restart), (upMs) => {
      this.#town.restart(server);
      return { atMs: upMs, type: 'restart', server };
    });
    return { atMs, type: 'crash', server };
  }
}
