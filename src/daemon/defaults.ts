/** Defaults of a daemon, besides those of its store, its registry and its limits; see DaemonOptions. */
export const DAEMON_DEFAULTS = {
  addr: '127.0.0.1',
  port: 8080,
  httpAddr: '127.0.0.1',
  startTimeoutMs: 15_000,
  drainDelayMs: 0,
} as const;
