// Logs in the users of a benchmark at the maximum rate of Apply.
import type { OnlineRequest } from '../packages/client/src/generated/imstate/v1/OnlineRequest.ts';
import { batchesOf, checkResponses, loginOf, PATH, type Population, read } from './messages.ts';
import { logProgress } from './part.ts';
import { RawClient } from './rawClient.ts';

const LOG_INTERVAL_USERS = 1_000_000;

/**
 * Logs in all users, and rejects if the daemon counts a different number. `more` adds fields to each login.
 */
export async function logInAll(
  addr: string,
  population: Population,
  more: (i: number) => OnlineRequest = () => ({}),
): Promise<void> {
  const client = new RawClient(addr);
  const startedAt = performance.now();
  const messages = batchesOf(population.users, (i) => {
    if (i > 0 && i % LOG_INTERVAL_USERS === 0) {
      logProgress(
        `${i / LOG_INTERVAL_USERS} million logged in after ${Math.round((performance.now() - startedAt) / 1_000)} s`,
      );
    }
    return { online: loginOf(population, i, more(i)) };
  });
  await client.send(PATH.apply, { messages, onResponse: checkResponses() });
  const { devicesOnline } = read.getStats(await client.call(PATH.getStats, Buffer.alloc(0)));
  client.close();
  if (devicesOnline !== population.users)
    throw new Error(`${devicesOnline} of ${population.users} are online`);
}
