import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  status,
} from '@grpc/grpc-js';
import { countSentMessage, encodingOf, streamOf } from '../internals/grpcCall.js';

/** How long a status may take to leave before its call is reset. Node.js does not say when it has left. */
const STATUS_MS = 1_000;
const NO_METADATA = new Metadata();

/** The address of the peer of each connection. grpc-js formats it anew each time. */
const peers = new WeakMap<object, string>();

/**
 * A call of grpc-js with its HTTP/2 stream and its connection. It responds directly through the inner call:
 * the chain of responders of grpc-js takes more time than all checks of a call.
 */
export class StreamCall extends ServerInterceptingCall {
  protected readonly inner: ServerInterceptingCallInterface;
  #connection: object | undefined;

  constructor(call: ServerInterceptingCallInterface) {
    super(call);
    this.inner = call;
  }

  /** The HTTP/2 stream; undefined if grpc-js hides it. */
  get stream(): ServerHttp2Stream | undefined {
    return streamOf(this.inner);
  }

  /** Identifies the connection. */
  get connection(): object {
    // A stream that is over has lost its connection.
    this.#connection ??= this.stream?.session ?? this;
    return this.#connection;
  }

  get encoding(): string | undefined {
    return encodingOf(this.inner);
  }

  override getPeer(): string {
    let peer = peers.get(this.connection);
    if (peer === undefined) {
      peer = super.getPeer();
      peers.set(this.connection, peer);
    }
    return peer;
  }

  override sendMetadata(metadata: Metadata): void {
    this.inner.sendMetadata(metadata);
  }

  /**
   * Drops what the client has not read. The client sees RESOURCE_EXHAUSTED unless the status has arrived
   * before.
   */
  reset(): void {
    this.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /**
   * Sends a message together with its prefix. grpc-js copies it for each stream, and each unread stream holds
   * a copy.
   */
  protected sendFrame(stream: ServerHttp2Stream, frame: Buffer, callback: () => void): void {
    if (stream.destroyed || stream.closed) return;
    this.inner.sendMetadata(NO_METADATA);
    stream.write(frame, (error) => {
      if (error) return;
      countSentMessage(this.inner);
      callback();
    });
  }

  /**
   * Resets a call whose request is incomplete, after its status had time to leave: a reset drops what Node.js
   * has not sent yet. Without the reset, the client could keep the call open without being counted, a
   * thousand of them per connection.
   */
  protected resetAfterStatus(): void {
    setTimeout(() => {
      const { stream } = this;
      if (stream && !stream.destroyed && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    }, STATUS_MS).unref();
  }

  /**
   * The status that grpc-js itself sent, if the deadline passed or a message cannot be decoded. CANCELLED if
   * it sent none.
   */
  protected get sentStatus(): status {
    const { sentHeaders, sentTrailers } = this.stream ?? {};
    const code = sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status'];
    return code === undefined ? status.CANCELLED : Number(code);
  }
}
