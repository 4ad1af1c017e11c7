import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { followTls } from 'imstate-client/internal/tls/files';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { Redis, type RedisOptions } from 'ioredis';
import { DeliveryError, type RelayEvent, type RelayTarget } from '../target.js';
import { CONNECT_TIMEOUT_MS, DEFAULT_TIMEOUT_MS, TARGET_TLS_NAMES } from './connecting.js';
import { type RedisStreamAddress, readRedisStreamAddress } from './redisAddress.js';
import { COMMAND_TIMEOUT, describeRedisFailure, isRejectedCredentials, replyCode } from './redisFailure.js';
import { invalidTarget, rejectedCredentials } from './targetUrl.js';
import { untilAborted } from './untilAborted.js';

/** Options of {@link openRedisStream}. */
export interface RedisStreamOptions {
  /** About how many events the stream keeps. 1,000,000 by default. */
  maxLength?: number | undefined;
  /** For a rediss:// URL. */
  tls?: TlsFiles | undefined;
  /** How long Redis may take to reply. Milliseconds; 30,000 by default. */
  timeoutMs?: number | undefined;
}

export const DEFAULT_MAX_LENGTH = 1_000_000;

const RECONNECT_MS = { first: 50, max: 1_000 };

/**
 * Opens a Redis stream as a target. Each event is one entry with the fields `id`, `type`, `subject` (the user ID; left
 * out if the event is about no user) and `event`, the CloudEvent as JSON. Throws INVALID_ARGUMENT, BAD_CERTIFICATE or
 * UNAUTHENTICATED. A Redis that cannot be reached is no error: deliveries fail until it can.
 *
 * A delivery is one transaction: all of its events are added in order, or none. If the reply is lost, all are added
 * again: consumers recognise these duplicates by `id`.
 */
export async function openRedisStream(url: URL, options: RedisStreamOptions = {}): Promise<RelayTarget> {
  const target = new RedisStreamTarget(readRedisStreamAddress(url), options);
  await target.open();
  return target;
}

class RedisStreamTarget implements RelayTarget {
  readonly description: string;
  readonly maxEvents = 500;
  readonly #key: string;
  readonly #maxLength: number;
  readonly #timeoutMs: number;
  readonly #redis: Redis;
  /** Why the latest connection failed, or cannot be used although it is open. */
  #failure: Error | undefined;
  #isClosed = false;

  constructor(address: RedisStreamAddress, options: RedisStreamOptions) {
    const { authority, isTls, db, key } = address;
    this.description = `${isTls ? 'rediss' : 'redis'}://${authority}/${db}/${encodeURIComponent(key)}`;
    this.#key = key;
    this.#maxLength = options.maxLength ?? DEFAULT_MAX_LENGTH;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#redis = new Redis(redisOptions(address, options.tls, this.#timeoutMs));
    this.#redis.on('error', (error) => {
      this.#failure = error;
    });
    this.#redis.on('connect', () => {
      this.#failure = undefined;
    });
  }

  async open(): Promise<void> {
    // It keeps trying after a failure, and deliver() reports the latest one.
    await untilAborted(this.#redis.connect(), AbortSignal.timeout(CONNECT_TIMEOUT_MS)).catch(() => {});
    const failure = this.#failure;
    if (failure === undefined) return;
    const error = openingError(failure, this.#describe(failure));
    if (error === undefined) return;
    await this.close();
    throw error;
  }

  async deliver(events: readonly RelayEvent[], _deliveryId: string, signal: AbortSignal): Promise<void> {
    this.#checkConnection();
    try {
      await untilAborted(this.#add(events), signal);
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      if (needsReconnect(error)) this.#redis.disconnect(true);
      // Without a cause: an error of ioredis has the arguments of the command, such as a password.
      throw new DeliveryError(this.#describe(this.#failure ?? error));
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  #checkConnection(): void {
    if (this.#isClosed) throw new DeliveryError('the target is closed');
    if (this.#failure !== undefined) {
      // After a failed SELECT, ioredis goes on with database 0.
      if (this.#redis.status === 'ready') this.#redis.disconnect(true);
      throw new DeliveryError(this.#describe(this.#failure));
    }
    if (this.#redis.status !== 'ready') {
      throw new DeliveryError(
        `${this.description}: Redis is not ready: wait until it has loaded its data and responds`,
      );
    }
  }

  /** Adds the events in one transaction. */
  async #add(events: readonly RelayEvent[]): Promise<void> {
    const transaction = this.#redis.multi();
    for (const event of events) {
      transaction.xadd(this.#key, 'MAXLEN', '~', this.#maxLength, '*', ...fieldsOf(event));
    }
    const replies = await transaction.exec();
    const failed = replies?.find(([error]) => error !== null);
    if (failed !== undefined) throw failed[0];
  }

  #describe(error: unknown): string {
    return `${this.description}: ${describeRedisFailure(error, this.#timeoutMs)}`;
  }
}

function fieldsOf(event: RelayEvent): string[] {
  const { id, type, subject } = event;
  const ofUser = subject === undefined ? [] : ['subject', subject];
  return ['id', id, 'type', type, ...ofUser, 'event', JSON.stringify(event)];
}

/** The error of opening, if no retry fixes the failure. */
function openingError(failure: Error, message: string): Error | undefined {
  if (isRejectedCredentials(failure)) return rejectedCredentials(message);
  return /^ERR (DB index|SELECT)/.test(failure.message) ? invalidTarget(message) : undefined;
}

/** A frozen Redis keeps its TCP connection open, and a master that became a replica keeps its clients. */
function needsReconnect(error: unknown): boolean {
  return replyCode(error) === 'READONLY' || (error instanceof Error && error.message === COMMAND_TIMEOUT);
}

function redisOptions(address: RedisStreamAddress, tls: TlsFiles | undefined, timeoutMs: number) {
  const { host, port, user, password, db } = address;
  return {
    host,
    port,
    db,
    ...(user !== '' && { username: user }),
    ...(password !== '' && { password }),
    ...tlsOf(address, tls),
    connectionName: 'imstate',
    lazyConnect: true,
    // The relay delivers again: a queue or a resend in between could change the order.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: timeoutMs,
    disconnectTimeout: 200,
    retryStrategy: (attempts: number) =>
      Math.min(RECONNECT_MS.first * 2 ** Math.min(attempts, 10), RECONNECT_MS.max),
  } satisfies RedisOptions;
}

/** ioredis copies the options for each connection, which therefore uses the current content of the files. */
function tlsOf(
  { isTls, host }: RedisStreamAddress,
  files: TlsFiles | undefined,
): { tls?: ConnectionOptions } {
  if (!isTls) {
    if (files !== undefined) throw invalidTarget('TLS files need a rediss:// URL');
    return {};
  }
  const material = followTls(files ?? {}, TARGET_TLS_NAMES);
  const tls: ConnectionOptions = {
    // TLS takes no IP address as a server name.
    ...(!isIP(host) && { servername: host }),
    get secureContext() {
      return createSecureContext(material().context);
    },
  };
  return { tls };
}
