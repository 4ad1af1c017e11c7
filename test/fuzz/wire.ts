import fc from 'fast-check';
import { type BytesCase, bytesCases } from './bytes.ts';
import { type CallCase, calls } from './calls.ts';
import { corpus } from './corpus.ts';
import type { Target } from './target.ts';

/** How many cases to send. */
export interface WireFuzz {
  cases: number;
  seed: number;
  /** After how many cases the records are checked for consistency. */
  readEvery: number;
  log?(line: string): void;
}

const CALLS_AT_ONCE = 45;
const BYTES_AT_ONCE = 5;
const AT_ONCE = CALLS_AT_ONCE + BYTES_AT_ONCE;

/** Sends the saved cases, then random ones in batches; describes the faults of the first batch with any. */
export async function fuzzWire(target: Target, { cases, seed, readEvery, log }: WireFuzz): Promise<string[]> {
  const saved = await sendBatch(target, corpus.calls, corpus.bytes);
  if (saved.length > 0) return ['of the saved cases', ...saved];
  let untilRead = readEvery;
  for (let sent = 0; sent < cases; sent += AT_ONCE) {
    const of = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number) =>
      fc.sample(arbitrary, { numRuns, seed: seed + sent });
    const wrong = await sendBatch(target, of(calls, CALLS_AT_ONCE), of(bytesCases, BYTES_AT_ONCE));
    untilRead -= AT_ONCE;
    const isLast = sent + AT_ONCE >= cases;
    if (wrong.length === 0 && (untilRead <= 0 || isLast)) {
      wrong.push(...(await target.inconsistencies()));
      log?.(
        `${sent + AT_ONCE} cases: ${JSON.stringify(target.statuses)}, ${await target.openFiles()} open files`,
      );
      untilRead = readEvery;
    }
    if (wrong.length > 0) return [`in the batch after ${sent} cases of seed ${seed}`, ...wrong];
  }
  return [];
}

/** Sends a batch, and checks the daemon. */
async function sendBatch(target: Target, some: CallCase[], others: BytesCase[]): Promise<string[]> {
  const [wrongCalls, wrongBytes] = await Promise.all([target.call(some), target.bytes(others)]);
  return [...wrongCalls, ...wrongBytes, ...(await target.faults())];
}
