import { constants } from 'node:http2';
import {
  Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  status,
} from '@grpc/grpc-js';
import { FramedMessage } from 'imstate-client/internal/wire/framedMessage';
import type { Bounds } from '../../presence/limits.js';
import { hasStatus, replaceDecoder } from '../internals/grpcCall.js';
import type { CallDetails } from '../observability/callDetails.js';
import type { CallObserver } from '../observability/callObserver.js';
import { isAged } from './connectionAge.js';
import { headerExcess, metadataBytes } from './headerLimits.js';
import type { CallRejection } from './load.js';
import type { Kind, Method } from './method.js';
import { noteStreamCall, type OpenStreamCall } from './openStreamCalls.js';
import type { HeldBytes } from './requests/heldBytes.js';
import type { Ending, ReadCall } from './requests/readCall.js';
import { RequestReader } from './requests/requestReader.js';
import { StreamCall } from './streamCall.js';

type Listener = Parameters<ServerInterceptingCall['start']>[0];
type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

const OK = status.OK;
/** Smaller responses are not counted: the limit of calls in flight bounds them. */
const SMALL_BYTES = 4_096;

/** Admits calls and counts what they hold. */
export interface CallGate {
  readonly observer: CallObserver;
  /** Bytes of requests that are not finished. */
  readonly requests: HeldBytes;
  /** Bytes of responses that were not sent yet. */
  readonly answers: HeldBytes;
  /** The coarse clock, in milliseconds. */
  readonly now: number;
  /** Admits a call; returns the rejection if there is no room. */
  admit(call: AdmittedCall): CallRejection | undefined;
  /** The call is over, and its response was sent. */
  over(call: AdmittedCall): void;
  /** The rejection of a request that is too large for the memory left; undefined if there is room. */
  rejectRequest(call: AdmittedCall, bytes: number): CallRejection | undefined;
  /** The rejection of a response whose connection does not read; undefined if there is room. */
  rejectResponse(call: AdmittedCall): CallRejection | undefined;
}

/**
 * A call between the network and its handler, as {@link CallGate} sees it. It listens to the call inside by
 * itself: the chain of listeners of grpc-js takes more time than all checks of a call.
 */
export class AdmittedCall extends StreamCall implements Listener, ReadCall, OpenStreamCall {
  /** The index under which {@link CallGate} keeps it. */
  slot = -1;
  #reader: RequestReader | undefined;
  readonly #method: Method;
  readonly #admission: CallGate;
  readonly #begunAt = performance.now();
  #listener: Listener | undefined;
  #hasRequest = false;
  #isRequestComplete = false;
  /** When the latest message was given to the network; 0 if none was. The coarse clock, in milliseconds. */
  #sentAt = 0;
  /**
   * When the stream ended, while its caller has not read that; 0 otherwise. The coarse clock, in
   * milliseconds.
   */
  #endedAt = 0;
  /** Bytes of the response that are counted as not sent. */
  #heldBytes = 0;

  /** Set while the call is logged or traced. */
  #details: CallDetails | undefined;
  #operations = 1;
  #isCounted = false;
  #isOver = false;

  constructor(call: ServerInterceptingCallInterface, admission: CallGate, method: Method) {
    super(call);
    this.#admission = admission;
    this.#method = method;
  }

  get kind(): Kind {
    return this.#method.kind;
  }

  get isStream(): boolean {
    return this.#method.isRequestStream;
  }

  get isRead(): boolean {
    return this.#method.isRead;
  }

  override start(listener: Listener): void {
    if (this.stream?.destroyed) return;
    this.#method.counts.open += 1;
    const rejection = this.#admission.admit(this);
    if (rejection !== undefined) {
      this.#observe(undefined);
      this.sendStatus(rejection);
      this.#resetUnread();
      return;
    }
    this.#listener = listener;
    this.#reader = new RequestReader(this, this.#method.rule, this.#admission.requests);
    replaceDecoder(this.inner, this.#reader);
    this.inner.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#observe(metadata);
    if (!this.#method.isUnary) noteStreamCall(metadata, this);
    const bytes = metadataBytes(metadata);
    const excess = headerExcess(bytes, this.stream);
    if (excess) this.sendStatus(excess);
    else if (this.#reader?.begin(metadata, bytes)) this.#listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    // The request timeout of a stream applies to its first message, not to the end of its messages.
    if (this.isStream) this.#hasRequest = true;
    if (!this.#method.isUnary) this.#reader?.releaseMetadata();
    // A request without operations is counted as one that failed.
    if (this.#method.operationsIn) this.#operations = this.#method.operationsIn(message) || 1;
    if (this.#details) this.#details.pass(message, (passed) => this.#listener?.onReceiveMessage(passed));
    else this.#listener?.onReceiveMessage(message);
    if (this.isStream) this.#reader?.passed();
  }

  onReceiveHalfClose(): void {
    this.#hasRequest = true;
    this.#isRequestComplete = true;
    if (this.#details) this.#details.run(() => this.#listener?.onReceiveHalfClose());
    else this.#listener?.onReceiveHalfClose();
  }

  onCancel(): void {
    if (!this.#isCounted) this.#count(this.sentStatus);
    this.#admission.over(this);
    this.#reader?.close();
    this.#resetUnread();
    this.#isOver = true;
    this.#holdAnswers();
    this.#listener?.onCancel();
  }

  rejectionOf(bytes: number): Ending | undefined {
    return this.#admission.rejectRequest(this, bytes);
  }

  end(ending: Ending): void {
    this.sendStatus(ending);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (hasStatus(this.inner)) return;
    const rejection = this.#admission.rejectResponse(this);
    if (rejection !== undefined) {
      this.sendStatus(rejection);
      return;
    }
    this.#sentAt = this.#admission.now;
    if (message instanceof FramedMessage && this.stream) {
      this.sendFrame(this.stream, message.frame, callback);
      return;
    }
    if (this.kind === 'apply') {
      this.inner.sendMessage(message, () => {
        this.#holdAnswers();
        callback();
      });
    } else {
      this.inner.sendMessage(message, callback);
      if (this.kind !== 'call' && this.kind !== 'vital') return;
    }
    this.#holdAnswers();
  }

  override sendStatus(status: Status): void {
    if (!this.#isCounted) this.#count(isAged(status) ? OK : (status.code ?? OK));
    this.inner.sendStatus(status);
  }

  detailsFor(metadata: Metadata): CallDetails | undefined {
    if (!this.#admission.observer.wantsDetails) return undefined;
    // The log level has changed since the stream began.
    if (this.#details === undefined) this.#observe(metadata);
    return this.#details;
  }

  /** Ends the call, if it is a stream, because its connection has reached its maximum age. */
  endStream(ending: Ending): void {
    if (!this.#method.isUnary) this.sendStatus(ending);
  }

  expectTaken(): void {
    this.#endedAt ||= this.#admission.now;
  }

  /** Ends what takes too long. */
  checkTimeouts(now: number, { requestMs, answerMs }: Bounds): void {
    if (!this.#hasRequest && now - this.#begunAt > requestMs) {
      const details = `the request was not complete within ${requestMs} ms`;
      this.sendStatus({ code: status.DEADLINE_EXCEEDED, details });
      this.stream?.close(constants.NGHTTP2_NO_ERROR);
    }
    const isTaken = this.#sentAt === 0 || this.stream?.writableLength === 0;
    if (!isTaken && now - this.#sentAt > answerMs && this.kind !== 'watch')
      this.stream?.close(constants.NGHTTP2_CANCEL);
    if (this.#endedAt > 0 && now - this.#endedAt > answerMs) this.stream?.close(constants.NGHTTP2_CANCEL);
  }

  /** Logs and traces the call, if that is enabled. The metadata of a rejected call is not known yet. */
  #observe(metadata: Metadata | undefined): void {
    const { observer } = this.#admission;
    if (!observer.wantsDetails) return;
    const call = { path: this.#method.path, metadata: metadata ?? new Metadata(), peer: this.getPeer() };
    this.#details = observer.begin(call);
  }

  /** Counts the responses that wait until the caller reads them. */
  #holdAnswers(): void {
    const waiting = this.#isOver ? 0 : (this.stream?.writableLength ?? 0);
    const bytes = waiting < SMALL_BYTES ? 0 : waiting;
    if (bytes === this.#heldBytes) return;
    this.#admission.answers.add(this.connection, bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  #resetUnread(): void {
    if (!this.#isRequestComplete) this.resetAfterStatus();
  }

  #count(code: status): void {
    this.#isCounted = true;
    const { counts } = this.#method;
    const ms = performance.now() - this.#begunAt;
    counts.open -= 1;
    counts.end(code, ms, this.#operations);
    this.#details?.end(code, ms, this.#operations);
  }
}
