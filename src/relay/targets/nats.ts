import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  errors,
  headers,
  type NatsConnection,
} from '@nats-io/transport-node';
import { messageOf } from 'imstate-client/internal/shared/errors';
import { trusted } from 'imstate-client/internal/shared/ownership';
import { readRegularFile } from 'imstate-client/internal/shared/regularFile';
import { followTls, type TlsMaterial } from 'imstate-client/internal/tls/files';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { DeliveryError, type RelayEvent, type RelayTarget } from '../target.js';
import { CONNECT_TIMEOUT_MS, DEFAULT_TIMEOUT_MS, TARGET_TLS_NAMES } from './connecting.js';
import { type NatsAddress, readNatsAddress } from './natsAddress.js';
import { describeNatsFailure, isRejectedCredentials } from './natsFailure.js';
import { awaitGreeting } from './natsGreeting.js';
import { invalidTarget, rejectedCredentials } from './targetUrl.js';
import { untilAborted } from './untilAborted.js';
import { windowsOf } from './windows.js';

/** Options of {@link openNats}. */
export interface NatsOptions {
  /** Instead of the user of the URL. */
  token?: string | undefined;
  /** Path of a credentials file with a JWT and an nkey, instead of the user of the URL. Read for each connection. */
  credsFile?: string | undefined;
  /** With a nats:// URL as well: then the server must offer TLS. */
  tls?: TlsFiles | undefined;
  /** How long the server may take to acknowledge an event. Milliseconds; 30,000 by default. */
  timeoutMs?: number | undefined;
}

const CONTENT_TYPE = 'application/cloudevents+json';

/**
 * Opens NATS JetStream as a target. Each event is one message, a CloudEvent in structured mode, with the subject
 * `prefix.type` and the source and the ID of the event as `Nats-Msg-Id`. Throws INVALID_ARGUMENT, BAD_CERTIFICATE or
 * UNAUTHENTICATED. A server that cannot be reached is no error: deliveries fail until it can.
 *
 * Order: the events of one user are stored in order, also if some of a delivery fail and all are delivered again,
 * because an event is published only after the previous one of its user is acknowledged (see {@link windowsOf}).
 * Events of different users may be stored in another order. Events whose acknowledgement was lost are published again:
 * JetStream discards these duplicates during the duplicate window of the stream, and after it they are stored twice.
 */
export async function openNats(url: URL, options: NatsOptions = {}): Promise<RelayTarget> {
  const target = new NatsTarget(readNatsAddress(url), options);
  await target.open();
  return target;
}

class NatsTarget implements RelayTarget {
  readonly description: string;
  readonly maxEvents = 500;
  readonly #address: NatsAddress;
  readonly #options: NatsOptions;
  readonly #timeoutMs: number;
  readonly #tls: (() => TlsMaterial) | undefined;
  #connection: NatsConnection | undefined;
  #connecting: Promise<NatsConnection> | undefined;
  #isClosed = false;

  constructor(address: NatsAddress, options: NatsOptions) {
    const { authority, prefix, isTls, user } = address;
    const { token, credsFile, tls, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if ([user || undefined, token, credsFile].filter((each) => each !== undefined).length > 1)
      throw invalidTarget('a user in the URL, a token and a credentials file exclude each other: use one');
    if (credsFile !== undefined) readCredentials(credsFile);
    this.description = `${isTls ? 'tls' : 'nats'}://${authority}/${prefix}`;
    this.#address = address;
    this.#options = options;
    this.#timeoutMs = timeoutMs;
    this.#tls = isTls || tls !== undefined ? followTls(tls ?? {}, TARGET_TLS_NAMES) : undefined;
  }

  async open(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      if (isRejectedCredentials(error)) throw rejectedCredentials(this.#describe(error));
      // deliver() tries again, and reports it.
    }
  }

  async deliver(events: readonly RelayEvent[], _deliveryId: string, signal: AbortSignal): Promise<void> {
    try {
      const client = jetstream(await untilAborted(this.#connect(), signal));
      for (const window of windowsOf(events)) {
        await untilAborted(this.#publishAll(client, window), signal);
      }
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      // A frozen server keeps its TCP connection open: the next delivery needs another one.
      if (error instanceof errors.TimeoutError) await this.#connection?.close();
      throw new DeliveryError(this.#describe(error), { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connecting?.catch(() => {});
    // Without a drain, which waits for the server: deliver() has awaited each acknowledgement.
    await this.#connection?.close();
  }

  /** Settles once all are acknowledged or have failed; rejects with the first failure. */
  async #publishAll(client: JetStreamClient, events: readonly RelayEvent[]): Promise<void> {
    const outcomes = await Promise.allSettled(events.map((event) => this.#publish(client, event)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #publish(client: JetStreamClient, event: RelayEvent): Promise<void> {
    const head = headers();
    head.set('content-type', CONTENT_TYPE);
    await client.publish(`${this.#address.prefix}.${event.type}`, JSON.stringify(event), {
      headers: head,
      // IDs are unique within their source.
      msgID: `${event.source}#${event.id}`,
      timeout: this.#timeoutMs,
    });
  }

  /** The open connection, or a new one. */
  #connect(): Promise<NatsConnection> {
    if (this.#isClosed) return Promise.reject(new DeliveryError('the target is closed'));
    if (this.#connection?.isClosed() === false) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#openConnection().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #openConnection(): Promise<NatsConnection> {
    await awaitGreeting(this.#address, this.#connectTimeoutMs);
    this.#connection = await connect(this.#connectionOptions());
    return this.#connection;
  }

  get #connectTimeoutMs(): number {
    return Math.min(CONNECT_TIMEOUT_MS, this.#timeoutMs);
  }

  #connectionOptions(): ConnectionOptions {
    const { authority, user, password } = this.#address;
    const { token, credsFile } = this.#options;
    const options: ConnectionOptions = {
      servers: authority,
      name: 'imstate',
      timeout: this.#connectTimeoutMs,
      // A reconnecting library would send the rest of a window whose beginning was lost, and keep deliveries waiting
      // for acknowledgements that never come. Each delivery opens a connection if there is none.
      reconnect: false,
      noAsyncTraces: true,
    };
    if (this.#tls !== undefined) options.tls = tlsOptions(this.#tls());
    if (credsFile !== undefined) options.authenticator = credsAuthenticator(readCredentials(credsFile));
    // As everywhere in NATS, a user without a password is a token.
    const tokenOrUser = token ?? (password === '' ? user : '');
    if (tokenOrUser !== '') options.token = tokenOrUser;
    else if (user !== '') Object.assign(options, { user, pass: password });
    return options;
  }

  #describe(error: unknown): string {
    const hasJetStream = this.#connection?.info?.jetstream === true;
    const { prefix } = this.#address;
    return `${this.description}: ${describeNatsFailure(error, { prefix, hasJetStream, timeoutMs: this.#timeoutMs })}`;
  }
}

/** The context has `minVersion` too, which the library does not know. */
function tlsOptions({ context: { ca, cert, key } }: TlsMaterial): NonNullable<ConnectionOptions['tls']> {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** The content of a credentials file. Throws INVALID_ARGUMENT. */
function readCredentials(path: string): Uint8Array {
  try {
    const content = readRegularFile(path, trusted(path));
    credsAuthenticator(content)('nonce');
    return content;
  } catch (error) {
    throw invalidTarget(
      `the credentials file ${path} cannot be used (${messageOf(error)}): name a file that nsc has written`,
      error,
    );
  }
}
