import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { errors, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { JWKS_FLAG, type Jwks, type KeySet, parseKeys } from './keySet.js';
import { readUrl } from './readUrl.js';

/**
 * How often keys are fetched again, so that a withdrawn key is not accepted for much longer. Milliseconds.
 */
const REFRESH_MS = 5 * 60_000;
/** The same while the fetch fails. Milliseconds. */
const RETRY_MS = 30_000;
/** How soon a JWT with an unknown key may cause another fetch: anybody can send one. Milliseconds. */
const MIN_FETCH_INTERVAL_MS = 5_000;

/** Keys that are fetched over HTTP. While the issuer does not respond, the previous ones stay in force. */
export class RemoteJwks implements Jwks {
  readonly #url: URL;
  readonly #log: Logger;
  readonly #onChange: () => void;
  #timer: NodeJS.Timeout | undefined;
  #keys: KeySet | undefined;
  #text = '';
  #askedAt = 0;
  #inFlight: Promise<void> | undefined;
  #isClosed = false;
  #isStale = false;

  constructor(url: URL, log: Logger, onChange: () => void) {
    this.#url = url;
    this.#log = log;
    this.#onChange = onChange;
  }

  readonly keyOf: JWTVerifyGetKey = async (header, jwt) => {
    try {
      return await (this.#keys as KeySet)(header, jwt);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown || (this.#inFlight === undefined && Date.now() - this.#askedAt < MIN_FETCH_INTERVAL_MS))
        throw error;
      // The issuer may have a new key.
      await this.#refresh();
      return (this.#keys as KeySet)(header, jwt);
    }
  };

  /** Rejects with AUTH_KEYS_UNAVAILABLE. Concurrent callers share one request. */
  fetch(): Promise<void> {
    this.#inFlight ??= this.#fetch().finally(() => {
      this.#inFlight = undefined;
      this.#schedule();
    });
    return this.#inFlight;
  }

  get isStale(): boolean {
    return this.#isStale;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const pauseMs = this.#isStale ? RETRY_MS : REFRESH_MS;
    this.#timer = setTimeout(() => void this.#refresh(), pauseMs).unref();
  }

  async #refresh(): Promise<void> {
    const wasStale = this.#isStale;
    try {
      await this.fetch();
      if (wasStale) this.#log.info({ url: this.#url.href }, 'keys of JWTs available again');
    } catch (error) {
      if (!wasStale)
        this.#log.error(
          { reason: messageOf(error) },
          'keys of JWTs unavailable: the previous keys stay in force',
        );
    }
  }

  async #fetch(): Promise<void> {
    this.#askedAt = Date.now();
    try {
      const text = await readUrl(this.#url);
      this.#isStale = false;
      if (text === this.#text) return;
      this.#keys = parseKeys(text);
      this.#text = text;
      this.#onChange();
    } catch (error) {
      this.#isStale = true;
      throw new ImstateError(
        'AUTH_KEYS_UNAVAILABLE',
        `${JWKS_FLAG} ${this.#url.href} returns no keys (${reasonOf(error)}): check the URL, and that this machine can reach it`,
        { cause: error, field: JWKS_FLAG },
      );
    }
  }
}

/** An abort has its reason in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? messageOf(error) : messageOf(cause);
}
