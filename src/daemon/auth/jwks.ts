import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isLoopback } from 'imstate-client/internal/shared/address';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { FollowedFile } from './followedFile.js';

const FLAG = '--auth-jwt-jwks';
/** How long the issuer may take to respond. Milliseconds. */
const FETCH_MS = 5_000;
/**
 * How often the keys are fetched again, so that a withdrawn key is not accepted for much longer.
 * Milliseconds.
 */
const REFRESH_MS = 5 * 60_000;
/** The same while the fetch fails. Milliseconds. */
const RETRY_MS = 30_000;
/** How soon a JWT with an unknown key may cause another fetch: anybody can send one. Milliseconds. */
const MIN_FETCH_INTERVAL_MS = 5_000;
/** Far more than any issuer has. */
const MAX_BYTES = 1024 * 1024;

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** The public keys of an issuer of JWTs, as they are now. */
export interface Jwks {
  readonly keyOf: JWTVerifyGetKey;
  /** True if the file or URL has no usable keys now: the previous ones stay in force. */
  readonly isStale: boolean;
  close(): void;
}

/**
 * Opens the keys of a file, or of a URL: https, or http on this machine. `onChange` is called whenever the
 * keys may have changed. Rejects with AUTH_FILE_UNUSABLE, WRONG_USAGE, or AUTH_KEYS_UNAVAILABLE, which may
 * pass.
 */
export async function openJwks(source: string, log: Logger, onChange: () => void): Promise<Jwks> {
  if (!/^https?:/i.test(source)) return openFile(source, log, onChange);
  const keys = new RemoteJwks(parseUrl(source), log, onChange);
  try {
    await keys.fetch();
  } catch (error) {
    keys.close();
    throw error;
  }
  return keys;
}

async function openFile(path: string, log: Logger, onChange: () => void): Promise<Jwks> {
  let keys: KeySet | undefined;
  const file = await FollowedFile.open({
    flag: FLAG,
    path,
    parse: parseKeys,
    log,
    onChange: (value) => {
      keys = value;
      onChange();
    },
  });
  return {
    keyOf: (header, jwt) => (keys as KeySet)(header, jwt),
    get isStale() {
      return file.isStale;
    },
    close: () => file.close(),
  };
}

/** Keys that are fetched over HTTP. While the issuer does not respond, the previous ones stay in force. */
class RemoteJwks implements Jwks {
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
        `${FLAG} ${this.#url.href} returns no keys (${reasonOf(error)}): check the URL, and that this machine can reach it`,
        { cause: error },
      );
    }
  }
}

/** Rejects after a timeout. Without AbortSignal.timeout(), which Node.js 20 may collect as garbage. */
async function readUrl(url: URL): Promise<string> {
  const over = new AbortController();
  const limit = setTimeout(() => over.abort(new Error(`no answer within ${FETCH_MS} ms`)), FETCH_MS);
  try {
    const response = await get(url, over.signal);
    if (response.statusCode === 200) return await readBody(response);
    response.destroy();
    throw new Error(`HTTP status ${response.statusCode}`);
  } finally {
    clearTimeout(limit);
  }
}

/** Follows no redirect: it could lead to keys that anybody controls. */
async function get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const { proxyAgentFor } = await import('../httpProxy.js');
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  const headers = { accept: 'application/jwk-set+json, application/json' };
  const asked = request(url, { agent: proxyAgentFor(url), headers, signal });
  // An abort may follow the response.
  asked.on('error', () => {}).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error('it is larger than 1 MiB');
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** Shows nothing of the text: the file may hold a private key by mistake. */
function parseKeys(text: string): KeySet {
  try {
    return createLocalJWKSet(JSON.parse(text));
  } catch {
    throw new Error('it must be a JSON Web Key Set, {"keys":[…]}');
  }
}

/** Keys that arrive in plain text from another machine could be anybody's. */
function parseUrl(source: string): URL {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  const isLocal = url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  const isSafe = url?.protocol === 'https:' || isLocal;
  if (url !== undefined && isSafe && url.username === '' && url.password === '') return url;
  throw new ImstateError(
    'WRONG_USAGE',
    `${FLAG} must be a file, or a URL without a user that begins with https:// (on this machine also http://)`,
  );
}

/** An abort has its reason in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? messageOf(error) : messageOf(cause);
}
