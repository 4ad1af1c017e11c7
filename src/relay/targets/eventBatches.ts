import type { RelayEvent } from '../target.js';

/** Events as the body of one request. */
export interface EventBatch {
  /** A JSON array: a CloudEvents batch. */
  body: string;
  events: number;
}

/**
 * Puts events into as few batches of at most `maxBytes` as possible, in order. An event that is larger has a batch of
 * its own.
 */
export function batchEvents(events: readonly RelayEvent[], maxBytes: number): EventBatch[] {
  const batches: string[][] = [];
  let bytes = 0;
  for (const event of events) {
    const json = JSON.stringify(event);
    // And the bracket or comma before it.
    const added = Buffer.byteLength(json) + 1;
    const current = batches.at(-1);
    // And the bracket at the end.
    if (current !== undefined && bytes + added + 1 <= maxBytes) {
      current.push(json);
      bytes += added;
    } else {
      batches.push([json]);
      bytes = added;
    }
  }
  return batches.map((batch) => ({ body: `[${batch.join(',')}]`, events: batch.length }));
}
