import { isIP } from 'node:net';
import { type Callback, Redis, type Result } from 'ioredis';
import { ImstateError, messageOf } from '../../errors.js';
import { loadScripts } from './scripts.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    imChangeBuffer(keys: number, ...args: (string | number | Buffer)[]): Result<unknown, Context>;
    imReadBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSummary(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imLedgerBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSnapshotBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imListBuffer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imKeepAlive(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imEvictServer(keys: number, ...args: (string | number)[]): Result<unknown, Context>;
    imSweep(keys: number, ...args: (string | number)[]): Result<number, Context>;
    imLayout(keys: number, ...args: (string | number | Callback<unknown>)[]): Result<string[], Context>;
  }
}

/**
 * Longest silence of Redis while an answer is due, in milliseconds. Past it the connection is dropped and made
 * anew: a frozen Redis keeps its TCP connection open, and callers are promised UNAVAILABLE within a second.
 */
const SILENCE_MS = 700;
const RECONNECT_MS = { first: 50, most: 1_000 };

/**
 * Makes a connection that fails fast: a call while Redis is away is rejected at once instead of queued, and no
 * change is ever sent twice by the connection itself. It reconnects by itself for as long as it lives.
 */
export function makeConnection(url: string): Redis {
  return new Redis({
    ...parseRedisUrl(url),
    lazyConnect: true,
    connectionName: 'imstate',
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    socketTimeout: SILENCE_MS,
    retryStrategy: (times) => Math.min(RECONNECT_MS.first * 2 ** Math.min(times, 10), RECONNECT_MS.most),
    scripts: loadScripts(),
  });
}

interface RedisAddress {
  host: string;
  port: number;
  username?: string;
  password?: string;
  db: number;
  tls?: { servername?: string };
}

/** Reads redis://[[user]:password@]host[:port][/database], or rediss:// for TLS. */
function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw badUrl('it must look like redis://[user:password@]host[:port][/database], or rediss:// for TLS');
  }
  const database = url.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(database)) throw badUrl('the database after the last / must be a number');
  if (url.search !== '' || url.hash !== '') throw badUrl('it takes no ?query and no #fragment');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const username = decodePart(url.username);
  const password = decodePart(url.password);
  if (username !== '' && password === '') throw badUrl('a user needs a password: redis://user:password@host');
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(database),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    // A certificate names hosts; TLS takes no IP address as a server name.
    ...(url.protocol === 'rediss:' && { tls: isIP(host) ? {} : { servername: host } }),
  };
}

/** The URL without user and password, for people. */
export function describeRedisUrl(text: string): string {
  const { host, port, db, tls } = parseRedisUrl(text);
  return `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}/${db}`;
}

/** Refusals that come before the first write of a change. */
const REFUSED_BEFORE =
  /^(OOM|READONLY|MISCONF|LOADING|NOAUTH|MASTERDOWN|CLUSTERDOWN|BUSY|NOREPLICAS|NOPERM this user has no permissions to run the 'eval)/i;

/** The store's error for whatever ioredis rejects with. */
export function storeError(error: unknown, isChange: boolean): ImstateError {
  if (error instanceof ImstateError) return error;
  const reason = messageOf(error);
  if (error instanceof Error && error.name === 'ReplyError') {
    if (!isChange) return unavailable(`Redis refused: ${reason}`, error);
    const outcome = REFUSED_BEFORE.test(reason)
      ? 'nothing was changed'
      : 'the change may have been applied in part';
    return unavailable(`Redis refused: ${reason}; ${outcome}`, error);
  }
  if (reason.includes('enableOfflineQueue')) {
    return unavailable(
      `the daemon has no connection to Redis and is trying to get one${isChange ? '; nothing was changed' : ''}`,
      error,
    );
  }
  const outcome = isChange ? '; the change may have been applied' : '';
  return unavailable(`the connection to Redis was lost before it answered${outcome}`, error);
}

/** A failure to connect, with the reason that ioredis tells only by its error event. */
export function connectError(
  description: string,
  error: unknown,
  lastError: Error | undefined,
): ImstateError {
  if (error instanceof ImstateError && error.code !== 'STORE_UNAVAILABLE') return error;
  const reason = messageOf(lastError ?? error);
  if (/\b(WRONGPASS|NOAUTH)\b/.test(reason)) {
    const message = `Redis at ${description} refused the credentials (${reason}): check the user and password in --redis or IMSTATE_REDIS`;
    return new ImstateError('UNAUTHENTICATED', message, { cause: error });
  }
  if (/\bNOPERM\b/.test(reason)) {
    const message = `Redis at ${description} grants its user too little (${reason}): allow it in the ACL of Redis`;
    return new ImstateError('PERMISSION_DENIED', message, { cause: error });
  }
  const message = `Redis at ${description} cannot be used (${reason}): start it, or correct --redis`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
}

function unavailable(message: string, cause: unknown): ImstateError {
  return new ImstateError('STORE_UNAVAILABLE', message, { cause });
}

/** Never repeats the URL: it may hold a password. */
function badUrl(rule: string): ImstateError {
  return new ImstateError('BAD_URL', `the Redis URL cannot be used: ${rule}`);
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl('user and password must be percent-encoded');
  }
}
