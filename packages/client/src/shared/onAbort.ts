/**
 * The actions of each signal. They share one listener, because Node.js warns of a leak if a signal has more
 * than ten.
 */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `action` when the signal aborts, or at once if it has aborted. Any number of calls may share a
 * signal. Returns a function that removes the action; call it when the action is no longer needed. Safe to
 * call twice.
 */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    action();
    return () => {};
  }
  const actions = waiting.get(signal) ?? listenTo(signal);
  // A separate function, because the same action may be added twice.
  const entry = () => action();
  actions.add(entry);
  return () => {
    actions.delete(entry);
    // After this set was empty, later calls have another one.
    if (actions.size > 0 || waiting.get(signal) !== actions) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', onAborted);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const actions = new Set<() => void>();
  waiting.set(signal, actions);
  signal.addEventListener('abort', onAborted, { once: true });
  return actions;
}

function onAborted(this: AbortSignal): void {
  const actions = waiting.get(this);
  waiting.delete(this);
  for (const action of actions ?? []) action();
}
