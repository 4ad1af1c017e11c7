import type { ImstateError } from '../../errors.js';

/** What the shards of a store answered. */
export interface ShardAnswers<Answer> {
  /** By the number of the shard: those that answered. */
  answers: Map<number, Answer>;
  /** Why the first of the others did not; undefined if all answered. */
  failure: ImstateError | undefined;
}

/** Asks each shard by itself, all at once. Rejects if none answers. */
export async function answersOfShards<Answer>(
  shards: number,
  ask: (shard: number) => Promise<Answer>,
): Promise<ShardAnswers<Answer>> {
  const settled = await Promise.allSettled(Array.from({ length: shards }, (_, shard) => ask(shard)));
  const answers = new Map<number, Answer>();
  let failure: ImstateError | undefined;
  for (const [shard, outcome] of settled.entries()) {
    if (outcome.status === 'fulfilled') answers.set(shard, outcome.value);
    else failure ??= outcome.reason as ImstateError;
  }
  if (answers.size === 0) throw failure;
  return { answers, failure };
}
