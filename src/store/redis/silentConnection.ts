import type { Redis } from 'ioredis';
import { socketOf, unansweredCommands } from './internals/connectionFields.js';

const POLL_INTERVAL_MS = 100;
/** How many polls in a row: callers are promised UNAVAILABLE within a second. */
const MAX_SILENT_POLLS = 7;

/**
 * Drops the connection, which then reconnects, when Redis has not sent a due reply and sends nothing for 700
 * ms: a frozen Redis keeps its TCP connection open. Silence is counted in polls, between which the event loop
 * reads what has arrived: a daemon that was blocked itself has polled once, and does not blame Redis. The
 * `socketTimeout` of ioredis would, because its timer fires first: it is used only if ioredis hides its
 * socket or its command queue.
 */
export function dropWhenSilent(redis: Redis): void {
  redis.on('connect', () => {
    const stream = socketOf(redis);
    if (stream === undefined || unansweredCommands(redis) === undefined) {
      redis.options.socketTimeout = POLL_INTERVAL_MS * MAX_SILENT_POLLS;
      return;
    }
    let silentPolls = 0;
    stream.on('data', () => {
      silentPolls = 0;
    });
    const polls = setInterval(() => {
      silentPolls = unansweredCommands(redis) === 0 ? 0 : silentPolls + 1;
      if (silentPolls >= MAX_SILENT_POLLS) stream.destroy(new Error('no answer within 700 ms'));
    }, POLL_INTERVAL_MS);
    stream.once('close', () => clearInterval(polls));
  });
}

const PING_INTERVAL_MS = 1_000;

/**
 * Sends a PING every second on a connection that only listens, so that {@link dropWhenSilent} can judge it.
 */
export function pingRegularly(subscriber: Redis): void {
  dropWhenSilent(subscriber);
  subscriber.on('ready', () => {
    const pings = setInterval(() => void subscriber.ping().catch(() => {}), PING_INTERVAL_MS);
    subscriber.once('close', () => clearInterval(pings));
  });
}
