import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  status,
} from '@grpc/grpc-js';
import type { Admission, Kind, Method } from './admission.js';
import { type Bounds, LIMITS } from './limits.js';
import type { CallDetails } from './observe/callDetails.js';

type Listener = Parameters<ServerInterceptingCall['start']>[0];
type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

const OK = status.OK;
/** Smaller answers are not counted: there are no more of them than calls in flight. */
const SMALL_BYTES = 4_096;

/**
 * A call between the network and its handler, as {@link Admission} sees it. Everything goes straight to the call inside, and it listens
 * itself: the chains of responders and listeners that grpc-js would make cost more than all that is looked at here.
 */
export class AdmittedCall extends ServerInterceptingCall implements Listener {
  readonly #method: Method;
  readonly #call: ServerInterceptingCallInterface;
  readonly #admission: Admission;
  readonly #begunAt = performance.now();
  #listener: Listener | undefined;
  #hasRequest = false;
  /** When the last message was given to the network; 0 if none was. */
  #sentAt = 0;
  #held: { connection: object; bytes: number } | undefined;

  /** There while somebody wants to know more of the call than its count. */
  #details: CallDetails | undefined;
  #isCounted = false;

  constructor(call: ServerInterceptingCallInterface, admission: Admission, method: Method) {
    super(call);
    this.#call = call;
    this.#admission = admission;
    this.#method = method;
  }

  get kind(): Kind {
    return this.#method.kind;
  }

  /** Stands for the connection. */
  get connection(): object {
    return this.stream?.session ?? this;
  }

  override start(listener: Listener): void {
    if (this.stream?.destroyed) return;
    this.#method.counts.open += 1;
    const refusal = this.#admission.admit(this);
    if (refusal !== undefined) {
      this.sendStatus(refusal);
      return;
    }
    this.#listener = listener;
    this.#call.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    const { observer } = this.#admission;
    if (observer.wantsDetails)
      this.#details = observer.begin({ path: this.#method.path, metadata, peer: this.getPeer() });
    const bytes = bytesOf(metadata);
    if (bytes <= LIMITS.headers.most) this.#listener?.onReceiveMetadata(metadata);
    else this.sendStatus(tooManyHeaders(bytes));
  }

  onReceiveMessage(message: unknown): void {
    // Of a stream the first message is due, and not the end of them.
    if (this.#method.isRequestStream) this.#hasRequest = true;
    if (this.#details) this.#details.pass(message, (passed) => this.#listener?.onReceiveMessage(passed));
    else this.#listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.#hasRequest = true;
    if (this.#details) this.#details.run(() => this.#listener?.onReceiveHalfClose());
    else this.#listener?.onReceiveHalfClose();
  }

  onCancel(): void {
    if (!this.#isCounted) this.#count(this.#codeSent());
    this.#admission.over(this);
    if (this.#held) this.#admission.hold(this.#held.connection, -this.#held.bytes);
    this.#listener?.onCancel();
  }

  override sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#sentAt = this.#admission.now;
    this.#call.sendMessage(message, callback);
    if (this.kind !== 'call' && this.kind !== 'vital') return;
    const bytes = this.stream?.writableLength ?? 0;
    if (bytes < SMALL_BYTES) return;
    this.#held = { connection: this.connection, bytes };
    this.#admission.hold(this.#held.connection, bytes);
  }

  override sendStatus(status: Status): void {
    if (!this.#isCounted) this.#count(status.code ?? OK);
    this.#call.sendStatus(status);
  }

  /** Ends what takes too long. */
  look(now: number, { requestMs, answerMs }: Bounds): void {
    if (!this.#hasRequest && now - this.#begunAt > requestMs) {
      const details = `the request was not complete within ${requestMs} ms`;
      this.sendStatus({ code: status.DEADLINE_EXCEEDED, details });
      this.stream?.close(constants.NGHTTP2_NO_ERROR);
    }
    const isTaken = this.#sentAt === 0 || this.stream?.writableLength === 0;
    if (!isTaken && now - this.#sentAt > answerMs && this.kind !== 'watch')
      this.stream?.close(constants.NGHTTP2_CANCEL);
  }

  #count(code: status): void {
    this.#isCounted = true;
    const { counts } = this.#method;
    const ms = performance.now() - this.#begunAt;
    counts.open -= 1;
    counts.end(code, ms);
    this.#details?.end(code, ms);
  }

  /** What grpc-js itself has answered (a deadline that is over, a message that cannot be read); CANCELLED if nothing was. */
  #codeSent(): status {
    const { sentHeaders, sentTrailers } = this.stream ?? {};
    const code = sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status'];
    return code === undefined ? status.CANCELLED : Number(code);
  }

  /**
   * The stream of HTTP/2 below. grpc-js has no way to reset a call from the side of the server: it would leave an unread answer in
   * memory for as long as the connection lives. The field is not public; a test sees to it that it is there.
   */
  get stream(): ServerHttp2Stream | undefined {
    return (this.#call as unknown as { stream?: ServerHttp2Stream }).stream;
  }
}

function bytesOf(metadata: Metadata): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata.getMap())) bytes += name.length + value.length;
  return bytes;
}

function tooManyHeaders(bytes: number): Status {
  const details = `the metadata of a call must be at most ${LIMITS.headers.most} bytes; this one has ${bytes}`;
  return { code: status.RESOURCE_EXHAUSTED, details };
}
