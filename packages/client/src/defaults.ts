/** Default deadlines of a client, in milliseconds. */
export const CLIENT_DEFAULTS = { timeoutMs: 5_000, connectTimeoutMs: 2_000 } as const;

/** Default time of the lease of a chat server, in milliseconds. */
export const LEASE_TTL_MS = 10_000;

/** Maximum calls of one kind in flight, where many are to be made. */
export const CALLS_AT_ONCE = 64;
