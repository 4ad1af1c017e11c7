/** Deadlines of a client unless it is given others, in milliseconds. */
export const CLIENT_DEFAULTS = { timeoutMs: 5_000, connectTimeoutMs: 2_000 } as const;
