import type { Redis } from 'ioredis';

const POLL_INTERVAL_MS = 100;
/** So many looks in a row: callers are promised UNAVAILABLE within a second. */
const MAX_SILENT_LOOKS = 7;

/**
 * Drops the connection, which is then made anew, when Redis owes an answer and says nothing for 700 ms: a frozen Redis keeps its
 * TCP connection open. Silence is counted in looks, between which the event loop reads what has come: a daemon that was held up
 * itself has looked once, and does not blame Redis. The `socketTimeout` of ioredis would, for its timer fires first.
 */
export function dropWhenSilent(redis: Redis): void {
  redis.on('connect', () => {
    const { stream } = redis;
    let silentLooks = 0;
    stream.on('data', () => {
      silentLooks = 0;
    });
    const looks = setInterval(() => {
      silentLooks = redis.commandQueue.length === 0 ? 0 : silentLooks + 1;
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
    const { stream } = subscriber;
    const talk = setInterval(() => void subscriber.ping().catch(() => {}), TALK_MS);
    stream.once('close', () => clearInterval(talk));
  });
}
