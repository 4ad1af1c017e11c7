// Sends calls at a fixed rate, without waiting for responses.
import { setTimeout as delay } from 'node:timers/promises';
import { checkResponses, loginOf, logoutOf, PATH, populationOf, write } from './messages.ts';
import type { RawClient } from './rawClient.ts';

/** A call of some kind, whose latency is measured. */
export interface ScheduledCall<Kind extends string> {
  client: RawClient;
  kind: Kind;
  path: string;
  request: Buffer;
}

/** Sends `rate` calls per second. Resolves with the latencies of each kind, in milliseconds. */
export async function callAtRate<Kind extends string>(
  { rate, seconds }: { rate: number; seconds: number },
  next: (i: number) => ScheduledCall<Kind>,
): Promise<Record<Kind, number[]>> {
  const latencies = {} as Record<Kind, number[]>;
  const calls: Promise<void>[] = [];
  const send = async ({ client, kind, path, request }: ScheduledCall<Kind>) => {
    const sentAt = performance.now();
    await client.call(path, request);
    latencies[kind] ??= [];
    latencies[kind].push(performance.now() - sentAt);
  };
  const startedAt = performance.now();
  for (let i = 0; i < rate * seconds; i++) {
    const call = next(i);
    const wait = startedAt + (i * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    calls.push(send(call));
  }
  await Promise.all(calls);
  return latencies;
}

/** Batches of changes per second. */
const BATCHES_PER_SECOND = 50;

/**
 * Sends changes with Apply at a fixed rate: all users log in one after the other, and then log out again.
 * Resolves when all changes are applied.
 */
export async function changeAtRate(
  client: RawClient,
  { rate, seconds, users }: { rate: number; seconds: number; users: number },
): Promise<void> {
  const population = populationOf(users);
  const size = Math.ceil(rate / BATCHES_PER_SECOND);
  const stream = client.stream(PATH.apply);
  const check = checkResponses();
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
