/** What is simulated. The same plan gives the same logins, logouts, crashes and queries at the same times. */
export interface Plan {
  /** From 0 to 2^32 - 1. */
  seed: number;
  /** Infinity goes on until it is stopped. Milliseconds. */
  durationMs: number;
  users: number;
  /** Each user has from 1 to so many devices, at most 4. */
  devices: number;
  servers: number;
  /** Logins a second, on average, besides those of devices that come back after a break. */
  logins: number;
  /** Questions for users a second, on average. */
  queries: number;
  /** How long a session lasts, on average. Milliseconds. */
  sessionMs: number;
  /** How many logins of a hundred are of devices whose connection breaks and comes back a few times. */
  flapping: number;
  /** A chat server crashes once in this time, on average; Infinity for never. Milliseconds. */
  crashEveryMs: number;
  /** Stands in front of the names of users and chat servers. */
  prefix: string;
}

/** A small town: some 600 of its 1,500 devices are online at the same time. */
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
