/** What waits for each signal. One listener for all, because Node.js warns of a leak from the eleventh listener of a signal on. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `action` once the signal is aborted, at once if it is already. Any number of calls may share a signal. Returns a function that
 * removes the action again; call it when the action is no longer needed. It may be called twice.
 */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    action();
    return () => {};
  }
  const actions = waiting.get(signal) ?? listenTo(signal);
  // A function of its own: the same action may be added twice.
  const entry = () => action();
  actions.add(entry);
  return () => {
    actions.delete(entry);
    // Calls that came later have a set of their own once this one was empty.
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
