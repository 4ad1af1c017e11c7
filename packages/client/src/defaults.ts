/** Deadlines of a client unless it is given others, in milliseconds. */
export const CLIENT_DEFAULTS = { timeoutMs: 5_000, connectTimeoutMs: 2_000 } as const;

/** How long the lease of a chat server lasts unless it is given another time, in milliseconds. */
export const LEASE_TTL_MS = 10_000;

/** How many calls of one kind are made at the same time where there are many to make. */
export const CALLS_AT_ONCE = 64;
