/**
 * The parameters of a simulation. Equal plans give equal logins, logouts, crashes and queries at equal times.
 */
export interface Plan {
  /** From 0 to 2^32 - 1. */
  seed: number;
  /** Milliseconds; Infinity runs until stopped. */
  durationMs: number;
  users: number;
  /** Maximum devices per user, 1 to 4. */
  devices: number;
  servers: number;
  /** Mean logins per second, without reconnects. */
  logins: number;
  /** Mean queries per second. */
  queries: number;
  /** Mean session length in milliseconds. */
  sessionMs: number;
  /** Percentage of logins by devices whose connection flaps. */
  flapping: number;
  /** Mean time between crashes of chat servers in milliseconds; Infinity for never. */
  crashEveryMs: number;
  /** Prefix of the names of users and chat servers. */
  prefix: string;
}

/** A small population: about 600 of its 1,500 devices are online at once. */
export const PLAN_DEFAULTS = {
  durationMs: 30_000,
  users: 1_000,
  devices: 2,
  servers: 5,
  logins: 20,
  queries: 100,
  sessionMs: 30_000,
  flapping: 5,
  crashEveryMs: 30_000,
  prefix: 'sim-',
} as const satisfies Omit<Plan, 'seed'>;
