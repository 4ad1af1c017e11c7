// Calls at a fixed rate, whether or not those before are answered.
import { setTimeout as delay } from 'node:timers/promises';
import { checkAnswers, loginOf, logoutOf, PATH, populationOf, write } from './messages.ts';
import type { RawClient } from './rawClient.ts';

/** A call to make. */
export interface Ask<Kind extends string> {
  client: RawClient;
  kind: Kind;
  path: string;
  request: Buffer;
}

/** Makes calls `rate` times a second; resolves with how long each kind took, in milliseconds. */
export async function askAtRate<Kind extends string>(
  { rate, seconds }: { rate: number; seconds: number },
  next: (i: number) => Ask<Kind>,
): Promise<Record<Kind, number[]>> {
  const took = {} as Record<Kind, number[]>;
  const calls: Promise<void>[] = [];
  const ask = async ({ client, kind, path, request }: Ask<Kind>) => {
    const sentAt = performance.now();
    await client.call(path, request);
    took[kind] ??= [];
    took[kind].push(performance.now() - sentAt);
  };
  const startedAt = performance.now();
  for (let i = 0; i < rate * seconds; i++) {
    const call = next(i);
    const wait = startedAt + (i * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    calls.push(ask(call));
  }
  await Promise.all(calls);
  return took;
}

/** How often changes are sent in a second, in batches. */
const BATCHES_A_SECOND = 50;

/**
 * Makes changes by Apply at a rate: user after user logs in, and once all have, out again. Resolves when all are answered.
 */
export async function changeAtRate(
  client: RawClient,
  { rate, seconds, users }: { rate: number; seconds: number; users: number },
): Promise<void> {
  const population = populationOf(users);
  const size = Math.ceil(rate / BATCHES_A_SECOND);
  const stream = client.stream(PATH.apply);
  const check = checkAnswers();
  stream.on('data', check);
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('end', resolve);
    stream.on('error', reject);
  });
  ended.catch(() => {});
  const startedAt = performance.now();
  for (let done = 0; done < rate * seconds; done += size) {
    const operations = Array.from({ length: size }, (_, i) => {
      const at = done + i;
      const isLogin = Math.floor(at / users) % 2 === 0;
      return isLogin ? { online: loginOf(population, at % users) } : { offline: logoutOf(at % users) };
    });
    const wait = startedAt + (done * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    stream.write(write.apply({ operations }));
  }
  stream.end();
  await ended;
}
