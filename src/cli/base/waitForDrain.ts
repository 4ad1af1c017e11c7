import { setTimeout as delay } from 'node:timers/promises';
import type { ChatServer, Client } from 'imstate-client';
import { allServers } from '../input/pages.js';
import { count } from '../output/count.js';
import { LiveLine } from '../output/liveLine.js';

const POLL_INTERVAL_MS = 500;
/** How long to wait for the last graces to be recorded. Milliseconds. */
const SLACK_MS = 10_000;
const BAR_WIDTH = 24;

/** What became of a drain. */
export interface DrainOutcome {
  /** `restarted`: another incarnation has the lease. `stopped`: the caller did not want to wait any longer. */
  outcome: 'drained' | 'late' | 'cancelled' | 'restarted' | 'stopped';
  /** How many sessions are left at the chat server, those in their grace included. */
  left: number;
}

/** Which drain to wait for. Durations in milliseconds. */
export interface AwaitedDrain {
  serverAddr: string;
  /** How many sessions there were at its beginning. */
  sessions: number;
  overMs: number;
  graceMs: number;
}

/**
 * Waits until a chat server that drains has no sessions left: they were closed, and their devices have moved or
 * their graces are over. A terminal shows the progress.
 */
export async function waitForDrain(
  client: Client,
  { serverAddr, sessions, overMs, graceMs }: AwaitedDrain,
  stop: AbortSignal,
): Promise<DrainOutcome> {
  const line = new LiveLine();
  const giveUpAt = performance.now() + overMs + graceMs + SLACK_MS;
  let left = sessions;
  let incarnation: number | undefined;
  try {
    while (!stop.aborted) {
      const { server, isPartial } = await find(client, serverAddr);
      left = server?.sessions ?? 0;
      // A shard that does not answer may have sessions, and the drain.
      if (!isPartial && left === 0) return { outcome: 'drained', left };
      const lease = server?.lease;
      incarnation ??= lease?.incarnation;
      if (lease && lease.incarnation !== incarnation) return { outcome: 'restarted', left };
      const isAlive = lease?.state === 'ALIVE' || lease?.state === 'RESYNC';
      if (!isPartial && isAlive) return { outcome: 'cancelled', left };
      if (performance.now() > giveUpAt) return { outcome: 'late', left };
      line.paint(`${bar(left, sessions)} ${count(left, 'session')} left at ${serverAddr}`);
      await delay(POLL_INTERVAL_MS, undefined, { signal: stop }).catch(() => {});
    }
    return { outcome: 'stopped', left };
  } finally {
    line.end();
  }
}

async function find(
  client: Client,
  serverAddr: string,
): Promise<{ server: ChatServer | undefined; isPartial: boolean }> {
  const { servers, isPartial } = await allServers(client);
  return { server: servers.find((server) => server.serverAddr === serverAddr), isPartial };
}

/** The part that is done. */
function bar(left: number, sessions: number): string {
  const done = Math.round(BAR_WIDTH * Math.max(0, 1 - left / Math.max(sessions, 1)));
  return `[${'#'.repeat(done)}${'-'.repeat(BAR_WIDTH - done)}]`;
}
