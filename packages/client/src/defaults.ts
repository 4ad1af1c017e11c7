/** Default deadlines of a client, in milliseconds. */
export const CLIENT_DEFAULTS = { timeoutMs: 5_000, connectTimeoutMs: 2_000 } as const;

/** How long the lease of a chat server may last, and how long it lasts by default, in milliseconds. */
export const LEASE_TTL_MS = { min: 1_000, max: 3_600_000, default: 10_000 } as const;

/** Maximum calls of one kind in flight, where many are to be made. */
export const CALLS_AT_ONCE = 64;

/** How a chat server drains unless the call says otherwise. Milliseconds. */
export const DRAIN_DEFAULTS = { overMs: 60_000, graceMs: 30_000 } as const;
