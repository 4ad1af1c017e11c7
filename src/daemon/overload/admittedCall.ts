import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  status,
} from '@grpc/grpc-js';
import { FramedMessage } from 'imstate-client/internal/wire/framedMessage';
import { type Bounds, LIMITS } from '../../presence/limits.js';
import type { CallDetails } from '../observability/callDetails.js';
import type { Admission, Kind, Method } from './admission.js';
import { isAged } from './connectionAge.js';
import { type Ending, type ReadCall, RequestReader } from './requests/requestReader.js';

type Listener = Parameters<ServerInterceptingCall['start']>[0];
type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

const OK = status.OK;
/** Smaller answers are not counted: there are no more of them than calls in flight. */
const SMALL_BYTES = 4_096;
/** How long a status may take to leave before its call is reset. Node.js does not say when it has left. */
const STATUS_MS = 1_000;
const NO_METADATA = new Metadata();

const streamCalls = new WeakMap<Metadata, AdmittedCall>();
/** The address of the other side of each connection. grpc-js makes it anew each time. */
const peers = new WeakMap<object, string>();

/** The call of a stream, by the metadata that came with it; undefined for other calls. */
export function callOf(metadata: Metadata): AdmittedCall | undefined {
  return streamCalls.get(metadata);
}

/**
 * A call between the network and its handler, as {@link Admission} sees it. Everything goes straight to the call inside, and it listens
 * itself: the chains of responders and listeners that grpc-js would make cost more than all that is looked at here.
 */
export class AdmittedCall extends ServerInterceptingCall implements Listener, ReadCall {
  /** Where {@link Admission} keeps it. */
  place = -1;
  #reader: RequestReader | undefined;
  readonly #method: Method;
  readonly #call: ServerInterceptingCallInterface;
  readonly #admission: Admission;
  readonly #begunAt = performance.now();
  #listener: Listener | undefined;
  #connection: object | undefined;
  #hasRequest = false;
  #isRequestComplete = false;
  /** When the last message was given to the network; 0 if none was. */
  #sentAt = 0;
  /** Since when the end of a stream waits until it is taken; 0 if it does not. */
  #endedAt = 0;
  /** Bytes of the answer that are counted as not taken. */
  #heldBytes = 0;

  /** There while somebody wants to know more of the call than its count. */
  #details: CallDetails | undefined;
  #operations = 1;
  #isCounted = false;
  #isOver = false;

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
    // A stream that is over does not know its connection any more.
    this.#connection ??= this.stream?.session ?? this;
    return this.#connection;
  }

  override getPeer(): string {
    let peer = peers.get(this.connection);
    if (peer === undefined) {
      peer = super.getPeer();
      peers.set(this.connection, peer);
    }
    return peer;
  }

  get isStream(): boolean {
    return this.#method.isRequestStream;
  }

  get isRead(): boolean {
    return this.#method.isRead;
  }

  get encoding(): string | undefined {
    return this.#inside.incomingEncoding;
  }

  override start(listener: Listener): void {
    if (this.stream?.destroyed) return;
    this.#method.counts.open += 1;
    const refusal = this.#admission.admit(this);
    if (refusal !== undefined) {
      this.#observe(undefined);
      this.sendStatus(refusal);
      this.#resetUnread();
      return;
    }
    this.#listener = listener;
    this.#reader = new RequestReader(this, this.#method.rule, this.#admission.requests);
    if (this.#inside.decoder) this.#inside.decoder = this.#reader;
    this.#call.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#observe(metadata);
    if (!this.#method.isUnary) streamCalls.set(metadata, this);
    const bytes = bytesOf(metadata);
    const excess = excessOf(bytes, this.stream);
    if (excess) this.sendStatus(excess);
    else if (this.#reader?.begin(metadata, bytes)) this.#listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    // Of a stream the first message is due, and not the end of them.
    if (this.isStream) this.#hasRequest = true;
    if (!this.#method.isUnary) this.#reader?.releaseMetadata();
    // A request without any is one that failed.
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
    if (!this.#isCounted) this.#count(this.#codeSent());
    this.#admission.over(this);
    this.#reader?.close();
    this.#resetUnread();
    this.#isOver = true;
    this.#holdAnswers();
    this.#listener?.onCancel();
  }

  refusalOf(bytes: number): Ending | undefined {
    return this.#admission.refuseRequest(this, bytes);
  }

  end(ending: Ending): void {
    this.sendStatus(ending);
  }

  override sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#inside.wantTrailers) return;
    const refusal = this.#admission.refuseAnswer(this);
    if (refusal !== undefined) {
      this.sendStatus(refusal);
      return;
    }
    this.#sentAt = this.#admission.now;
    if (message instanceof FramedMessage && this.stream) {
      this.#sendFrame(this.stream, message.frame, callback);
      return;
    }
    if (this.kind === 'apply') {
      this.#call.sendMessage(message, () => {
        this.#holdAnswers();
        callback();
      });
    } else {
      this.#call.sendMessage(message, callback);
      if (this.kind !== 'call' && this.kind !== 'vital') return;
    }
    this.#holdAnswers();
  }

  override sendStatus(status: Status): void {
    if (!this.#isCounted) this.#count(isAged(status) ? OK : (status.code ?? OK));
    this.#call.sendStatus(status);
  }

  /** What the operations of the stream are logged with; undefined while nobody wants that. `metadata` is what came with the call. */
  detailsFor(metadata: Metadata): CallDetails | undefined {
    if (!this.#admission.observer.wantsDetails) return undefined;
    // The level of the log has changed since the stream began.
    if (this.#details === undefined) this.#observe(metadata);
    return this.#details;
  }

  /** Ends the stream, if it is one: its connection has reached its age. */
  endStream(ending: Ending): void {
    if (!this.#method.isUnary) this.sendStatus(ending);
  }

  /** The stream is over: its caller is to take that in as much time as an answer. */
  expectTaken(): void {
    this.#endedAt ||= this.#admission.now;
  }

  /** Drops what the caller has not taken. By this code clients see RESOURCE_EXHAUSTED, unless the status has come before. */
  reset(): void {
    this.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
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
    if (this.#endedAt > 0 && now - this.#endedAt > answerMs) this.stream?.close(constants.NGHTTP2_CANCEL);
  }

  /** Sends the bytes as they are. grpc-js would copy them for each stream, and a copy would wait with each that does not read. */
  #sendFrame(stream: ServerHttp2Stream, frame: Buffer, callback: () => void): void {
    if (stream.destroyed || stream.closed) return;
    this.#call.sendMetadata(NO_METADATA);
    stream.write(frame, (error) => {
      if (error) return;
      this.#inside.callEventTracker?.addMessageSent();
      callback();
    });
  }

  /** Looks at the call while somebody wants that; what is refused is so before its metadata is known. */
  #observe(metadata: Metadata | undefined): void {
    const { observer } = this.#admission;
    if (!observer.wantsDetails) return;
    const call = { path: this.#method.path, metadata: metadata ?? new Metadata(), peer: this.getPeer() };
    this.#details = observer.begin(call);
  }

  /** Counts the answers that wait until the caller takes them. */
  #holdAnswers(): void {
    const waiting = this.#isOver ? 0 : (this.stream?.writableLength ?? 0);
    const bytes = waiting < SMALL_BYTES ? 0 : waiting;
    if (bytes === this.#heldBytes) return;
    this.#admission.answers.add(this.connection, bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  /**
   * Resets a call that is answered before its request is complete. Its caller could else keep it open for ever, uncounted: a connection has
   * a thousand of them. The status goes first: a reset takes what Node.js has not sent yet with it.
   */
  #resetUnread(): void {
    if (this.#isRequestComplete) return;
    setTimeout(() => {
      const { stream } = this;
      if (stream && !stream.destroyed && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    }, STATUS_MS).unref();
  }

  #count(code: status): void {
    this.#isCounted = true;
    const { counts } = this.#method;
    const ms = performance.now() - this.#begunAt;
    counts.open -= 1;
    counts.end(code, ms, this.#operations);
    this.#details?.end(code, ms, this.#operations);
  }

  /** What grpc-js itself has answered (a deadline that is over, a message that cannot be read); CANCELLED if nothing was. */
  #codeSent(): status {
    const { sentHeaders, sentTrailers } = this.stream ?? {};
    const code = sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status'];
    return code === undefined ? status.CANCELLED : Number(code);
  }

  /** The stream of HTTP/2 below; the way to the connection, too. */
  get stream(): ServerHttp2Stream | undefined {
    return this.#inside.stream;
  }

  get #inside(): Inside {
    return this.#call as unknown as Inside;
  }
}

/**
 * What is needed of a call of grpc-js that it has no public way to; tests see to it that it is there.
 * - It cannot reset a call from the side of the server: an unread answer would stay in memory for as long as the connection lives.
 * - It ends a stream by itself where the deadline is over, or a message cannot be read. What the handler writes after that fails
 *   (1.14), and takes the status with it that was on its way, so that the caller waits in vain.
 * - It has one limit for the messages of all methods, and decompresses any number of them at the same time: see {@link RequestReader}.
 */
interface Inside {
  stream?: ServerHttp2Stream;
  /** True once the status is to be sent, and nothing else. */
  wantTrailers?: boolean;
  /** Counts for channelz. */
  callEventTracker?: { addMessageSent(): void } | null;
  /** Makes messages of the bytes that come. */
  decoder?: { write(data: Buffer): Buffer[] };
  incomingEncoding?: string;
}

function bytesOf(metadata: Metadata): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata.getMap())) bytes += name.length + value.length;
  return bytes;
}

/** What a call is ended with whose headers are too long; undefined if they are not. */
function excessOf(bytes: number, stream: ServerHttp2Stream | undefined): Ending | undefined {
  if (bytes > LIMITS.headers.max) {
    return tooLong(
      `the metadata of a call must be at most ${LIMITS.headers.max} bytes; this one has ${bytes}`,
    );
  }
  const length = stream ? pseudoHeaderBytes(stream) : 0;
  if (length <= LIMITS.authority.max) return undefined;
  return tooLong(
    `the authority and scheme of a call must be at most ${LIMITS.authority.max} bytes; these have ${length}`,
  );
}

function tooLong(details: string): Ending {
  return { code: status.RESOURCE_EXHAUSTED, details };
}

let keptHeaders: symbol[] | undefined;

/** How long the headers are that a stream of node:http2 keeps for itself (Node.js 20 to 24); 0 if it keeps them in another way. */
function pseudoHeaderBytes(stream: ServerHttp2Stream): number {
  keptHeaders ??= Object.getOwnPropertySymbols(stream).filter(({ description = '' }) =>
    ['authority', 'protocol'].includes(description),
  );
  let bytes = 0;
  for (const name of keptHeaders) bytes += String(Reflect.get(stream, name) ?? '').length;
  return bytes;
}
