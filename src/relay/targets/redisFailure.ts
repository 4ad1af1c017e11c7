import { messageOf } from 'imstate-client/internal/shared/errors';
import { ReplyError } from 'ioredis';
import { describeConnectionFailure } from './connecting.js';

/** What to do about an error reply, by its first word. */
const WAYS_OUT: Record<string, string> = {
  READONLY: 'this is a replica: name the master',
  LOADING: 'Redis is loading its data: wait until it has',
  OOM: 'raise maxmemory, keep fewer events, or set a maxmemory-policy that evicts other keys',
  NOAUTH: 'put the user and the password into the URL',
  WRONGPASS: 'correct the user and the password in the URL',
  NOPERM: 'permit this user +multi +exec +xadd +select +info +client, and the key of the stream',
  WRONGTYPE: 'the key holds something other than a stream: name another key, or delete this one',
  MISCONF: 'Redis cannot save its data: see its log',
  MOVED: 'this node of a Redis Cluster does not hold the stream: name the master of its slot',
};

/** What ioredis says if a reply is missing. */
export const COMMAND_TIMEOUT = 'Command timed out';

/** What ioredis says about commands without a connection. */
const UNEXPLAINED = /isn't writeable|max retries per request|Connection is closed|Command aborted/;

/** An error reply of Redis. */
interface Reply extends Error {
  /** What Redis said about the commands of a discarded transaction. */
  previousErrors?: Error[];
}

/** The first word of an error reply; "" for other errors. */
export function replyCode(error: unknown): string {
  return /^[A-Z]+(?=\b)/.exec(replyText(error))?.[0] ?? '';
}

/** Whether Redis refuses who connects. */
export function isRejectedCredentials(error: unknown): boolean {
  // The last one is that of Redis 5.
  return /^(NOAUTH|WRONGPASS|ERR invalid password)/.test(replyText(error));
}

/** What failed, and what to do. Never contains a secret. */
export function describeRedisFailure(error: unknown, timeoutMs: number): string {
  const code = replyCode(error);
  const wayOut = WAYS_OUT[code];
  if (wayOut !== undefined) return `Redis replied "${replyText(error)}": ${wayOut}`;
  if (code !== '') return `Redis replied "${replyText(error)}"`;
  const message = messageOf(error);
  if (message === COMMAND_TIMEOUT) return `no reply within ${timeoutMs} ms: see that Redis responds`;
  const reason = UNEXPLAINED.test(message) ? 'it is closed' : error;
  return describeConnectionFailure(reason, { secure: 'rediss', plain: 'redis' });
}

/** The first error reply; "" for errors of the connection. */
function replyText(error: unknown): string {
  if (!(error instanceof ReplyError)) return '';
  const [first = error] = (error as Reply).previousErrors ?? [];
  // The reply to an unknown command repeats its arguments, such as a password.
  return messageOf(first).replace(/,? with args.*$/s, '');
}
