import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { Authenticator, type AuthOptions, type Peer } from './authenticator.js';
import type { AuthParts } from './credentialChanges.js';
import type { DenialLog } from './denialLog.js';
import { GuardedCall, type GuardParts } from './guardedCall.js';
import { type Caller, checkRole, type Role, ruleOf } from './roles.js';

const POLL_INTERVAL_MS = 1_000;

/** A request that is no call of gRPC. */
interface Asked {
  role: Role;
  /** Such as `GET /metrics`. */
  method: string;
  /** True if a call without a credential is not logged: it asks whether it needs one. */
  isExpected: boolean;
}

/**
 * Authenticates and authorizes calls before anything of the request is read, and ends streams whose
 * credentials are no longer valid.
 */
export class Guard {
  readonly #parts: GuardParts;
  readonly #timer: NodeJS.Timeout;

  private constructor(authenticator: Authenticator, denials: DenialLog) {
    this.#parts = { authenticator, denials, streams: new Set() };
    this.#timer = setInterval(() => this.#checkStreams(), POLL_INTERVAL_MS).unref();
  }

  /** Rejects as Authenticator.open() does. */
  static async open(options: AuthOptions, denials: DenialLog, parts: AuthParts): Promise<Guard> {
    return new Guard(await Authenticator.open(options, parts), denials);
  }

  /** The ways to authenticate, human-readable. */
  get ways(): string[] {
    return this.#parts.authenticator.ways;
  }

  /** See Authenticator.staleSources. */
  get staleSources(): number {
    return this.#parts.authenticator.staleSources;
  }

  /** For the gRPC server: every call passes it. */
  readonly interceptor: ServerInterceptor = ({ path, responseStream }, call) => {
    if (ruleOf(path).role === undefined) return new ServerInterceptingCall(call);
    const guarded = new GuardedCall(this.#parts, path, responseStream, call);
    return new ServerInterceptingCall(call, { start: (next) => next(guarded) });
  };

  /**
   * The identity of a caller that is not on gRPC. Logs a denial, and rejects with the error for the caller.
   */
  async callerOf(metadata: Metadata, peer: Peer, what: Asked): Promise<Caller> {
    const { authenticator, denials } = this.#parts;
    let caller: Caller | undefined;
    try {
      caller = await authenticator.callerOf(metadata, peer);
      checkRole(caller, what, what.method);
      return caller;
    } catch (error) {
      if (what.isExpected && error instanceof ImstateError && error.code === 'UNAUTHENTICATED') throw error;
      throw denials.note(error, { method: what.method, peer: peer.getPeer(), caller, metadata });
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#parts.authenticator.close();
  }

  #checkStreams(): void {
    for (const call of this.#parts.streams) call.checkCredential();
  }
}
