/**
 * Calls a listener on its own, so that an error it throws is not mistaken for one of the call that led to it.
 */
export function notify<T>(listener: ((event: T) => void) | undefined, event: T): void {
  if (listener) queueMicrotask(() => listener(event));
}
