// Puts a bench's users online, as fast as Apply takes them.
import type { OnlineRequest } from '../packages/client/src/generated/imstate/v1/OnlineRequest.ts';
import { batchesOf, checkAnswers, loginOf, PATH, type Population, read } from './messages.ts';
import { say } from './part.ts';
import { RawClient } from './rawClient.ts';

const TELL_EVERY = 1_000_000;

/** Logs all users in; rejects unless all of them are counted then. `more` is added to each login. */
export async function logInAll(
  addr: string,
  population: Population,
  more: (i: number) => OnlineRequest = () => ({}),
): Promise<void> {
  const client = new RawClient(addr);
  const startedAt = performance.now();
  const messages = batchesOf(population.users, (i) => {
    if (i > 0 && i % TELL_EVERY === 0) {
      say(
        `${i / TELL_EVERY} million logged in after ${Math.round((performance.now() - startedAt) / 1_000)} s`,
      );
    }
    return { online: loginOf(population, i, more(i)) };
  });
  await client.send(PATH.apply, { messages, onAnswer: checkAnswers() });
  const { devicesOnline } = read.getStats(await client.call(PATH.getStats, Buffer.alloc(0)));
  client.close();
  if (devicesOnline !== population.users)
    throw new Error(`${devicesOnline} of ${population.users} are online`);
}
