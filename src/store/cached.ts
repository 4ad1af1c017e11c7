/**
 * Wraps a read that is expensive: whoever asks within `maxAgeMs` of its beginning, or while it runs, gets the same value. A failed read
 * is repeated by the next one who asks.
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
