const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a shell reports for a process that ended by SIGINT. */
export const EXIT_BY_SIGNAL = 130;

/**
 * The one place where signals become an AbortSignal: the first asks to stop, a second stops at once. After
 * `release()` they do again what they did before.
 */
export function listenForStop(): { stop: AbortSignal; release(): void } {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT_BY_SIGNAL);
    stop.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  const release = () => {
    for (const name of SIGNALS) process.off(name, onSignal);
  };
  return { stop: stop.signal, release };
}
