const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a shell reports for a process that ended by SIGINT. */
const EXIT_AT_ONCE = 130;

/** The one place where signals become an AbortSignal: the first asks to stop, a second stops at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(EXIT_AT_ONCE);
      stop.abort();
    });
  }
  return stop.signal;
}
