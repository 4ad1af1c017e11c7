/**
 * Maps items as they arrive, at most `limit` at a time, and yields the results in the order of the items, as
 * early as possible. `map` must not reject. If `items` fails, the error follows the results of the earlier
 * items.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterator<Item>,
  limit: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  let failure: { error: unknown } | undefined;
  const take = (): Promise<IteratorResult<Item, undefined>> =>
    items.next().catch((error: unknown) => {
      failure = { error };
      return { done: true, value: undefined };
    });
  const pending: Promise<Result>[] = [];
  let next: ReturnType<typeof take> | undefined = take();
  while (next !== undefined || pending.length > 0) {
    if (next !== undefined && pending.length < limit && !(await isFirst(pending[0], next))) {
      const item: Awaited<typeof next> = await next;
      next = item.done ? undefined : take();
      if (!item.done) pending.push(map(item.value));
    } else {
      yield (await pending.shift()) as Result;
    }
  }
  if (failure !== undefined) throw failure.error;
}

/** True if `promise` settles before `other`. */
async function isFirst(promise: Promise<unknown> | undefined, other: Promise<unknown>): Promise<boolean> {
  if (promise === undefined) return false;
  return Promise.race([promise.then(() => true), other.then(() => false)]);
}
