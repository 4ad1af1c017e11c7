import type { Redis } from 'ioredis';
import { socketOf, unansweredCommands } from './internals/connectionFields.js';

const POLL_INTERVAL_MS = 100;
/** So many looks in a row: callers are promised UNAVAILABLE within a second. */
const MAX_SILENT_LOOKS = 7;

/**
 * Drops the connection, which is then made anew, when Redis owes an answer and says nothing for 700 ms: a frozen Redis keeps its
 * TCP connection open. Silence is counted in looks, between which the event loop reads what has come: a daemon that was held up
 * itself has looked once, and does not blame Redis. The `socketTimeout` of ioredis would, for its timer fires first: it is
 * used only where ioredis hides its socket or its queue of commands.
 */
export function dropWhenSilent(redis: Redis): void {
  redis.on('connect', () => {
    const stream = socketOf(redis);
    if (stream === undefined || unansweredCommands(redis) === undefined) {
      redis.options.socketTimeout = POLL_INTERVAL_MS * MAX_SILENT_LOOKS;
      return;
    }
    let silentLooks = 0;
    stream.on('data', () => {
      silentLooks = 0;
    });
    const looks = setInterval(() => {
      silentLooks = unansweredCommands(redis) === 0 ? 0 : silentLooks + 1;
      if (silentLooks >= MAX_SILENT_LOOKS) stream.destroy(new Error('no answer within 700 ms'));
    }, POLL_INTERVAL_MS);
    stream.once('close', () => clearInterval(looks));
  });
}

const TALK_MS = 1_000;

/** Asks now and then on a connection that only listens, so that its silence can be judged. */
export function talkInSilence(subscriber: Redis): void {
  dropWhenSilent(subscriber);
  subscriber.on('ready', () => {
    const talk = setInterval(() => void subscriber.ping().catch(() => {}), TALK_MS);
    subscriber.once('close', () => clearInterval(talk));
  });
}
