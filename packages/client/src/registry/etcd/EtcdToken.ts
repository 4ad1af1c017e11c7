import { InterceptingCall, type Interceptor, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { messageOf } from '../../shared/errors.js';

/** The messages for a token that has expired, or was issued before a restart or a change of users. */
const STALE = /invalid auth token|revision of auth/i;

/**
 * Adds the token of an etcd user to each call. Requests one before the first call, and after etcd rejected
 * the last.
 */
export class EtcdToken {
  readonly #authenticate: () => Promise<string>;
  #token: Promise<string> | undefined;

  constructor(authenticate: () => Promise<string>) {
    this.#authenticate = authenticate;
  }

  readonly interceptor: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: async (metadata, listener, next) => {
        try {
          metadata.set('token', await this.#get());
        } catch (error) {
          listener.onReceiveStatus(statusOf(error));
          return;
        }
        next(metadata, {
          onReceiveStatus: (received, pass) => {
            if (STALE.test(received.details)) this.#token = undefined;
            pass(received);
          },
        });
      },
    });

  #get(): Promise<string> {
    this.#token ??= this.#authenticate().catch((error) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }
}

/** The code and details of an error of etcd3, which keeps them only in the message: `14 UNAVAILABLE: …`. */
function statusOf(error: unknown): StatusObject {
  const message = messageOf(error);
  const [, code, details] = /^(\d+) [A-Z_]+: (.*)$/s.exec(message) ?? [];
  return { code: Number(code ?? status.UNKNOWN), details: details ?? message, metadata: new Metadata() };
}
