import { Metadata, type ServerInterceptingCallInterface, type ServerListener } from '@grpc/grpc-js';
import type { Operation__Output } from 'imstate-client/internal/generated/imstate/v1/Operation';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Authenticator } from './authenticator.js';
import type { DenialLog } from './denialLog.js';
import { type Caller, checkOperation, checkRole, checkServer, ruleOf } from './roles.js';

/**
 * What a handler sees of the guard that admitted its call. Streams have one, and methods whose rule has
 * `needsCaller`.
 */
export interface Permit {
  readonly caller: Caller;
  /** Throws PERMISSION_DENIED if the caller may not use this operation of Apply. */
  checkOperation(operation: Operation__Output): void;
  /** Ends the call with an error. The handler of a stream may replace it. */
  end: (error: ImstateError) => void;
}

/** What guarded calls share. */
export interface GuardParts {
  authenticator: Authenticator;
  denials: DenialLog;
  /** The open streams. */
  streams: Set<GuardedCall>;
}

type Listener = Omit<Required<ServerListener>, 'onReceiveHalfClose'>;

const permits = new WeakMap<Metadata, Permit>();

/** The permit of a call, by the metadata of the call; undefined if authentication is off. */
export function permitOf(metadata: Metadata): Permit | undefined {
  return permits.get(metadata);
}

/** One call: the guard sees what grpc-js has read of it before the handler does. */
export class GuardedCall implements Permit, Listener {
  readonly #parts: GuardParts;
  readonly #path: string;
  readonly #isStream: boolean;
  readonly #call: ServerInterceptingCallInterface;
  #caller: Caller | undefined;
  #metadata: Metadata | undefined;
  #isOver = false;

  constructor(parts: GuardParts, path: string, isStream: boolean, call: ServerInterceptingCallInterface) {
    this.#parts = parts;
    this.#path = path;
    this.#isStream = isStream;
    this.#call = call;
  }

  readonly onReceiveMetadata: Listener['onReceiveMetadata'] = (metadata, next) => {
    this.#metadata = metadata;
    let caller: Caller | Promise<Caller>;
    try {
      caller = this.#parts.authenticator.callerOf(metadata, this.#call);
    } catch (error) {
      this.#reject(error);
      return;
    }
    const enter = (found: Caller) => this.#enter(found, metadata, next);
    if (caller instanceof Promise) caller.then(enter, (error) => this.#reject(error));
    else enter(caller);
  };

  readonly onReceiveMessage: Listener['onReceiveMessage'] = (message, next) => {
    if (this.#passes((caller) => checkServer(caller, ruleOf(this.#path), message))) next(message);
  };

  readonly onCancel = (): void => {
    this.#isOver = true;
    this.#parts.streams.delete(this);
  };

  get caller(): Caller {
    return this.#caller as Caller;
  }

  checkOperation(operation: Operation__Output): void {
    try {
      checkOperation(this.#caller as Caller, operation);
    } catch (error) {
      throw this.#note(error);
    }
  }

  end = ({ status: code, message: details }: ImstateError): void => {
    this.#call.sendStatus({ code, details });
  };

  /** Ends the call if its credential is no longer valid. */
  checkCredential(): void {
    const fault = this.#caller?.fault();
    if (fault !== undefined) this.#reject(fault);
  }

  #enter(caller: Caller, metadata: Metadata, next: (metadata: Metadata) => void): void {
    if (this.#isOver) return;
    this.#caller = caller;
    const method = this.#path.slice(this.#path.lastIndexOf('/') + 1);
    const rule = ruleOf(this.#path);
    if (!this.#passes(() => checkRole(caller, rule, method))) return;
    if (this.#isStream || rule.needsCaller) permits.set(metadata, this);
    if (this.#isStream) this.#parts.streams.add(this);
    next(metadata);
  }

  /** True if the caller passes a check. Otherwise the call is rejected. */
  #passes(check: (caller: Caller) => void): boolean {
    try {
      check(this.#caller as Caller);
      return true;
    } catch (error) {
      this.#reject(error);
      return false;
    }
  }

  #reject(error: unknown): void {
    this.end(this.#note(error));
  }

  #note(error: unknown): ImstateError {
    return this.#parts.denials.note(error, {
      method: this.#path,
      peer: this.#call.getPeer(),
      caller: this.#caller,
      metadata: this.#metadata ?? new Metadata(),
    });
  }
}
