import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { ImstateError, messageOf } from '../shared/errors.js';
import { readTrusted, trusted } from '../shared/ownership.js';
import { readRegularFile } from '../shared/regularFile.js';

/** The token that calls carry; give one of `token` and `tokenFile`, or neither. */
export interface TokenOptions {
  /** A token of imstate, or a JWT. */
  token?: string | undefined;
  /** A file that holds it, and nothing else; it is read again within a second of a change. */
  tokenFile?: string | undefined;
  /**
   * Send it also in plain text to daemons on other machines, where whoever is on the way can read it. Without it, such
   * daemons are not called. With TLS it means nothing.
   */
  plaintextToken?: boolean | undefined;
}

/** Sooner than a daemon ends streams whose token was revoked: the next stream is to have the token that follows. */
const POLL_INTERVAL_MS = 100;

/** Puts the token into each call. */
export class BearerToken {
  readonly #file: string | undefined;
  #token: string;
  #readAt = 0;

  /** Throws WRONG_USAGE or AUTH_FILE_UNUSABLE; no message shows the token. */
  constructor({ token, tokenFile }: TokenOptions) {
    if (token !== undefined && tokenFile !== undefined) {
      throw new ImstateError(
        'WRONG_USAGE',
        'token and tokenFile are two ways to say the same: give one of them',
      );
    }
    this.#file = tokenFile;
    this.#token = token === undefined ? this.#read() : checkToken(token, 'WRONG_USAGE', 'the token');
  }

  readonly interceptor: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set('authorization', `Bearer ${this.#now()}`);
        next(metadata, listener);
      },
    });

  /** The token as the file has it now; one that cannot be read leaves the token from before in force. */
  #now(): string {
    if (this.#file === undefined || performance.now() - this.#readAt < POLL_INTERVAL_MS) return this.#token;
    try {
      // Its maker may have put a FIFO there: the first read may wait for that, calls that are made must not.
      this.#token = this.#read((path) => readRegularFile(path, trusted(path)));
    } catch {
      this.#readAt = performance.now();
    }
    return this.#token;
  }

  #read(read: (path: string) => Buffer | string = readTrusted): string {
    const path = this.#file as string;
    let text: string;
    try {
      text = String(read(path));
    } catch (error) {
      const message = `the token file ${path} cannot be read (${messageOf(error)}): name one that this user may read`;
      throw new ImstateError('AUTH_FILE_UNUSABLE', message, { cause: error });
    }
    const token = checkToken(text.trim(), 'AUTH_FILE_UNUSABLE', `the token file ${path}`);
    this.#readAt = performance.now();
    return token;
  }
}

function checkToken(token: string, code: 'WRONG_USAGE' | 'AUTH_FILE_UNUSABLE', what: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ImstateError(
    code,
    `${what} must be one word and nothing else, as imstate token create prints it`,
  );
}
