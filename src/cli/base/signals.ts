const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Those that bin/run.js looks for. SIGTERM always stops: a supervisor has no other way. */
const MAYBE_IGNORED = ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/** What a shell reports for a process that ended by SIGINT. */
export const EXIT_BY_SIGNAL = 130;

/** A process that is asked to stop. */
export interface StopRequest {
  /** Aborts at the first signal. */
  stop: AbortSignal;
  /** From then on signals do again what they did before. */
  release(): void;
}

/** The signals that were ignored when imstate was started, by nohup or in the background of a script; see bin/run.js. */
function ignoredSignals(): readonly NodeJS.Signals[] {
  const names = process.env.IMSTATE_IGNORED_SIGNALS?.split(' ') ?? [];
  return MAYBE_IGNORED.filter((name) => names.includes(name));
}

/** Ignores the signals that were ignored when imstate was started: Node.js gives them their default action, which ends the process. */
export function keepIgnoringSignals(): void {
  for (const name of ignoredSignals()) process.on(name, () => {});
}

/**
 * The one place where signals become an AbortSignal: the first asks to stop, a second stops at once, unless `onRepeat` returns true
 * because it has done something else. Ignored signals stay ignored.
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
