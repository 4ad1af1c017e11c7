const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Those that bin/run.js checks. SIGTERM always stops: a supervisor has no other way. */
const MAYBE_IGNORED = ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/** The exit status of a process that ends by SIGINT. */
export const EXIT_BY_SIGNAL = 130;

/** A request to stop the process. */
export interface StopRequest {
  /** Aborts at the first signal. */
  stop: AbortSignal;
  /** Restores the default actions of the signals. */
  release(): void;
}

/** The signals that were ignored at the start, by nohup or in the background of a script; see bin/run.js. */
function ignoredSignals(): readonly NodeJS.Signals[] {
  const names = process.env.IMSTATE_IGNORED_SIGNALS?.split(' ') ?? [];
  return MAYBE_IGNORED.filter((name) => names.includes(name));
}

/**
 * Keeps ignoring signals that were ignored at the start: Node.js restores their default action, which ends
 * the process.
 */
export function keepIgnoringSignals(): void {
  for (const name of ignoredSignals()) process.on(name, () => {});
}

/**
 * The one place where signals become an AbortSignal. The first requests a stop; a second exits at once,
 * unless `onRepeat` handles it and returns true. Ignored signals stay ignored.
 */
export function listenForStop(onRepeat: () => boolean = () => false): StopRequest {
  const stop = new AbortController();
  const onSignal = () => {
    if (!stop.signal.aborted) stop.abort();
    else if (!onRepeat()) process.exit(EXIT_BY_SIGNAL);
  };
  const ignored = ignoredSignals();
  const names = STOP_SIGNALS.filter((name) => !ignored.includes(name));
  for (const name of names) process.on(name, onSignal);
  const release = () => {
    for (const name of names) process.off(name, onSignal);
  };
  return { stop: stop.signal, release };
}
