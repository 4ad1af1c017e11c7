/** How attempts at one thing follow each other. */
export interface HedgeOptions {
  /** How long an attempt may go without an answer until the next one starts beside it. */
  delayMs: number;
  /** Whether no other attempt would fare better: the whole rejects with this error at once. */
  isFinal(error: unknown): boolean;
}

/** One attempt. The signal aborts once another attempt succeeded or all of them are over. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Starts the attempts in their order: the next one as soon as one fails, or beside those that have not answered for a while.
 * The first success counts. Rejects with the last error if all fail. An attempt must end by itself.
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
