import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { ImstateError, messageOf } from '../shared/errors.js';
import { readTrusted, trusted } from '../shared/ownership.js';
import { readRegularFile } from '../shared/regularFile.js';

/** The token that calls carry. Set one of `token` and `tokenFile`, or neither. */
export interface TokenOptions {
  /** A token of imstate, or a JWT. None by default. */
  token?: string | undefined;
  /** A file that contains only the token. A change takes effect within a second. */
  tokenFile?: string | undefined;
  /**
   * Sends the token to daemons on other machines even without TLS, where others can read it on the way. False
   * by default: such daemons are not called. Has no effect with TLS.
   */
  plaintextToken?: boolean | undefined;
}

/** Sooner than a daemon ends streams whose token was revoked: the next stream has to carry the new token. */
const POLL_INTERVAL_MS = 100;

/** Puts the token into each call. */
export class BearerToken {
  readonly #file: string | undefined;
  #token: string;
  #readAt = 0;

  /** Throws WRONG_USAGE or AUTH_FILE_UNUSABLE. No message contains the token. */
  constructor({ token, tokenFile }: TokenOptions) {
    if (token !== undefined && tokenFile !== undefined) {
      throw new ImstateError('WRONG_USAGE', 'token and tokenFile exclude each other: set one of them');
    }
    this.#file = tokenFile;
    this.#token = token === undefined ? this.#read() : checkToken(token, 'WRONG_USAGE', 'the token');
  }

  readonly interceptor: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set('authorization', `Bearer ${this.#current()}`);
        next(metadata, listener);
      },
    });

  /** The token that the file contains now. While the file cannot be read, the previous token stays in use. */
  #current(): string {
    if (this.#file === undefined || performance.now() - this.#readAt < POLL_INTERVAL_MS) return this.#token;
    try {
      // The file may be a FIFO: the first read may wait for its writer, but calls must not.
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
      const message = `the token file ${path} cannot be read (${messageOf(error)}): name a file that this user may read`;
      throw new ImstateError('AUTH_FILE_UNUSABLE', message, { cause: error, field: 'tokenFile' });
    }
    const token = checkToken(text.trim(), 'AUTH_FILE_UNUSABLE', `the token file ${path}`);
    this.#readAt = performance.now();
    return token;
  }
}

function checkToken(token: string, code: 'WRONG_USAGE' | 'AUTH_FILE_UNUSABLE', what: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const field = code === 'AUTH_FILE_UNUSABLE' ? 'tokenFile' : undefined;
  throw new ImstateError(code, `${what} must be a single word, as imstate token create prints it`, { field });
}
