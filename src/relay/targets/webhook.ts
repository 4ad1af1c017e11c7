import { setTimeout as delay } from 'node:timers/promises';
import { onAbort } from 'imstate-client/internal/shared/onAbort';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { Agent, type Dispatcher } from 'undici';
import { DeliveryError, type RelayEvent, type RelayTarget } from '../target.js';
import { batchEvents, type EventBatch } from './eventBatches.js';
import { Pacing } from './pacing.js';
import { WebhookConnector } from './webhookConnector.js';
import { requestFailure, responseFailure } from './webhookFailures.js';
import { WebhookSecrets } from './webhookSecrets.js';
import { checkWebhookUrl } from './webhookUrl.js';

/** The largest body of a request, unless one event is larger. Bytes. */
const MAX_BODY_BYTES = 1024 * 1024;
/** How much of the body of a response is read, only so that the connection can be used again. Bytes. */
const MAX_RESPONSE_BYTES = 64 * 1024;
/** How long it is read. Milliseconds. */
const MAX_RESPONSE_BODY_MS = 1_000;
const DEFAULT_MAX_EVENTS = 500;
const DEFAULT_TIMEOUT_MS = 30_000;

export interface WebhookOptions {
  /** Path of the secrets that sign, one `whsec_BASE64` a line, newest first. Without it, requests are not signed. */
  secretFile?: string | undefined;
  /** Files of TLS. They are read again for each connection. The default is the CAs that Node.js trusts. */
  tls?: TlsFiles | undefined;
  /** Whether to deliver over plain HTTP, and to addresses that are not public. Default false. */
  allowPrivate?: boolean | undefined;
  /** See {@link RelayTarget.maxEvents}. Default 500. */
  maxEvents?: number | undefined;
  /** How many events a second to deliver at most, over time. Default unlimited. */
  maxPerSecond?: number | undefined;
  /** How long one request may take, with its connection. Milliseconds. Default 30,000. */
  timeoutMs?: number | undefined;
  /** Called with what is wrong, but does not stop deliveries. */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Opens a webhook, without connecting to it. Rejects with INVALID_ARGUMENT for a URL to which it must not deliver,
 * CONFIG_UNUSABLE for the secret file, and BAD_CERTIFICATE or WRONG_USAGE for the files of TLS.
 */
export async function openWebhook(url: URL, options: WebhookOptions = {}): Promise<WebhookTarget> {
  const { allowPrivate = false, secretFile, onWarning = () => {} } = options;
  // A copy, because the caller could change the URL after the check.
  const checked = new URL(url);
  checkWebhookUrl(checked, { allowPrivate });
  const secrets = secretFile === undefined ? undefined : await WebhookSecrets.open(secretFile, onWarning);
  return new WebhookTarget(checked, options, secrets);
}

/**
 * Delivers each batch as a CloudEvents batch by HTTP POST, with the headers of Standard Webhooks. A response with a
 * status of 2xx acknowledges it. Proxies of the environment are ignored: they would connect to addresses that nobody
 * has checked.
 */
export class WebhookTarget implements RelayTarget {
  readonly description: string;
  readonly maxEvents: number;
  readonly #url: URL;
  readonly #timeoutMs: number;
  readonly #secrets: WebhookSecrets | undefined;
  readonly #pacing: Pacing | undefined;
  readonly #connector: WebhookConnector;
  readonly #agent: Agent;

  /** Use {@link openWebhook}, which checks the URL. */
  constructor(url: URL, options: WebhookOptions, secrets: WebhookSecrets | undefined) {
    const { maxPerSecond, allowPrivate = false, tls = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    // The path and the query may be secrets of the receiver.
    this.description = `webhook ${url.origin}`;
    this.maxEvents = options.maxEvents ?? DEFAULT_MAX_EVENTS;
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    this.#secrets = secrets;
    this.#pacing = maxPerSecond === undefined ? undefined : new Pacing(maxPerSecond);
    this.#connector = new WebhookConnector(tls, { allowPrivate, timeoutMs });
    this.#agent = new Agent({
      connect: this.#connector.connect,
      // Off: `timeoutMs` covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** See RelayTarget.deliver. Events of more than 1 MiB are several requests, with IDs from `deliveryId.1` on. */
  async deliver(events: readonly RelayEvent[], deliveryId: string, signal: AbortSignal): Promise<void> {
    const batches = batchEvents(events, MAX_BODY_BYTES);
    for (const [i, batch] of batches.entries()) {
      await this.#pace(batch, signal);
      await this.#request(batch, batches.length === 1 ? deliveryId : `${deliveryId}.${i + 1}`, signal);
    }
  }

  async close(): Promise<void> {
    this.#connector.close();
    await this.#agent.destroy();
  }

  async #pace({ events }: EventBatch, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const waitMs = this.#pacing?.reserve(events, performance.now()) ?? 0;
    if (waitMs === 0) return;
    await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  /** Rejects with the reason of the signal, or a {@link DeliveryError}. */
  async #request({ body }: EventBatch, id: string, signal: AbortSignal): Promise<void> {
    const attempt = new AbortController();
    const removeAbort = onAbort(signal, () => attempt.abort(signal.reason));
    const timedOut = new Error(`no response within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => attempt.abort(timedOut), this.#timeoutMs);
    try {
      const headers = await this.#headersOf(id, body);
      const response = await unlessAborted(this.#post(body, headers, attempt.signal), attempt.signal);
      await discard(response.body);
      this.#check(response);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof DeliveryError ? error : requestFailure(this.#url.host, error);
    } finally {
      clearTimeout(timer);
      removeAbort();
    }
  }

  async #headersOf(id: string, body: string): Promise<Record<string, string>> {
    const now = new Date();
    const headers: Record<string, string> = {
      'content-type': 'application/cloudevents-batch+json; charset=utf-8',
      'user-agent': 'imstate',
      'webhook-id': id,
      'webhook-timestamp': `${Math.floor(now.getTime() / 1_000)}`,
    };
    if (this.#secrets !== undefined) headers['webhook-signature'] = await this.#secrets.sign(id, now, body);
    return headers;
  }

  #post(
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { origin, pathname, search } = this.#url;
    return this.#agent.request({ method: 'POST', origin, path: pathname + search, headers, body, signal });
  }

  #check({ statusCode, headers }: Dispatcher.ResponseData): void {
    if (statusCode >= 200 && statusCode < 300) return;
    throw responseFailure(this.#url.host, statusCode, headers['retry-after']);
  }
}

/** undici reports an abort only once it is connected. */
function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => onAbort(signal, () => reject(signal.reason)));
  return Promise.race([result, aborted]);
}

/** Reads a body to its end, or drops it with its connection if it is too long or slow. Never rejects. */
async function discard(body: Dispatcher.ResponseData['body']): Promise<void> {
  const timer = setTimeout(() => body.destroy(), MAX_RESPONSE_BODY_MS);
  await body.dump({ limit: MAX_RESPONSE_BYTES }).catch(() => {});
  clearTimeout(timer);
}
