/** Options of {@link hedge}. */
export interface HedgeOptions {
  /** How long an attempt may take until the next one starts too. */
  delayMs: number;
  /** Whether no other attempt could succeed: the result rejects with this error at once. */
  isFinal(error: unknown): boolean;
}

/** One attempt. The signal aborts when another attempt has succeeded or all have ended. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Starts the attempts in order: the next one when one fails, or after `delayMs`. Resolves with the first
 * success; rejects with the last error if all fail. Each attempt must end by itself.
 */
export function hedge<T>(attempts: readonly Attempt<T>[], { delayMs, isFinal }: HedgeOptions): Promise<T> {
  const over = new AbortController();
  const waiting = [...attempts];
  let running = 0;
  let timer: NodeJS.Timeout | undefined;
  const result = new Promise<T>((resolve, reject) => {
    const startNext = () => {
      clearTimeout(timer);
      const attempt = waiting.shift();
      if (attempt === undefined || over.signal.aborted) return;
      running += 1;
      if (waiting.length > 0) timer = setTimeout(startNext, delayMs);
      attempt(over.signal).then(resolve, (error) => {
        running -= 1;
        const isLast = running === 0 && waiting.length === 0;
        if (isFinal(error) || isLast) reject(error);
        else startNext();
      });
    };
    startNext();
  });
  return result.finally(() => {
    clearTimeout(timer);
    over.abort();
  });
}
