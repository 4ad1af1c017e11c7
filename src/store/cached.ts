/**
 * Wraps an expensive read: a call within `maxAgeMs` of its start, or while it runs, gets the same value.
 * After a failed read the next call reads again.
 */
export function cached<Value>(read: () => Promise<Value>, maxAgeMs: number): () => Promise<Value> {
  let latest: Promise<Value> | undefined;
  let isRunning = false;
  let startedAt = 0;
  return () => {
    if (latest !== undefined && (isRunning || performance.now() - startedAt <= maxAgeMs)) return latest;
    isRunning = true;
    startedAt = performance.now();
    const started = read();
    latest = started;
    started.then(
      () => {
        isRunning = false;
      },
      () => {
        isRunning = false;
        latest = undefined;
      },
    );
    return started;
  };
}
