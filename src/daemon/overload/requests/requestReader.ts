import { gunzipSync, inflateSync } from 'node:zlib';
import { type Metadata, status } from '@grpc/grpc-js';
import { countFields } from './fields.js';
import type { HeldBytes } from './heldBytes.js';
import type { RequestRule } from './requestRules.js';

/** A flag and a length stand before each message. */
const HEAD_BYTES = 5;
const COMPRESSED = 1;
const NOTHING = Buffer.alloc(0);
const DECOMPRESSORS = new Map([
  ['gzip', gunzipSync],
  ['deflate', inflateSync],
]);

/** A message takes this much when it is read, besides its bytes: objects, and its part of a buffer. */
const MESSAGE_BYTES = 2_048;
/** Strings of a few characters take so many times the bytes that they have on the wire. */
const BYTE_COST = 8;
/** An entry of a batch becomes several objects. */
const FIELD_BYTES = 256;
/** Requests of this size are not counted: the calls in flight limit them. */
const SMALL_BYTES = 512;

/** What a call is ended with. */
export interface Ending {
  code: status;
  details: string;
  metadata?: Metadata;
}

/** The call that a {@link RequestReader} reads for. */
export interface ReadCall {
  /** Stands for the connection. */
  readonly connection: object;
  /** Whether the caller sends a stream of messages. */
  readonly isStream: boolean;
  /** How its messages are compressed, if they are. */
  readonly encoding: string | undefined;
  /** What the call is ended with if there is no room for so many bytes more of requests. */
  refusalOf(bytes: number): Ending | undefined;
  end(ending: Ending): void;
}

const readers = new WeakMap<Metadata, RequestReader>();

/** What counts the messages of a call, by the metadata that came with it; undefined where none needs to be counted. */
export function requestReaderOf(metadata: Metadata): RequestReader | undefined {
  return readers.get(metadata);
}

/**
 * Reads the messages of a call out of its bytes, in place of the decoder of grpc-js: that one has one limit for all methods, keeps
 * the buffers of the network for as long as a message lasts, and decompresses any number of messages at the same time. Counts what is held until
 * the handler is done with it.
 */
export class RequestReader {
  readonly #call: ReadCall;
  readonly #rule: RequestRule;
  readonly #held: HeldBytes;
  /** A message of which a part has come, and how much of it has. */
  #partial = NOTHING;
  #partialBytes = 0;
  /** Costs of the messages that came and that nobody is done with yet. */
  readonly #costs: number[] = [];
  #metadata: Metadata | undefined;
  #metadataBytes = 0;
  #inHandler = 0;
  #handlerReleases = false;
  #endByHandler: ((ending: Ending) => void) | undefined;
  #isOver = false;

  constructor(call: ReadCall, rule: RequestRule, held: HeldBytes) {
    this.#call = call;
    this.#rule = rule;
    this.#held = held;
  }

  /** Begins with the metadata, which is held as well; false if that has ended the call. */
  begin(metadata: Metadata, metadataBytes: number): boolean {
    this.#metadata = metadata;
    if (this.#call.isStream) readers.set(metadata, this);
    else if (metadataBytes <= SMALL_BYTES) return true;
    if (!this.#hasRoom(metadataBytes)) return false;
    this.#metadataBytes = metadataBytes;
    this.#hold(metadataBytes);
    return true;
  }

  /** Empties the metadata of a stream, which nobody needs any more: it may be 16 KiB for as long as the stream is open. */
  releaseMetadata(): void {
    if (this.#metadataBytes === 0) return;
    for (const name of Object.keys(this.#metadata?.getMap() ?? {})) this.#metadata?.remove(name);
    this.#hold(-this.#metadataBytes);
    this.#metadataBytes = 0;
  }

  /** Takes bytes of the caller, and returns the frames that are whole: what grpc-js asks of its decoder. */
  write(data: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    for (let at = 0; at < data.length && !this.#isOver; ) {
      const whole = this.#partialBytes === 0 ? this.#wholeFrame(data, at) : undefined;
      at += whole ? whole.length : this.#collect(data, at);
      const frame = whole ? this.#finish(Buffer.from(whole)) : this.#finishPartial();
      if (frame) frames.push(frame);
    }
    return frames;
  }

  /**
   * From now on the handler says when it is done with a message. One of a stream ends it by itself, once it has answered what it has begun; it
   * begins with nothing more.
   */
  releasedByHandler(end?: (ending: Ending) => void): this {
    this.#handlerReleases = true;
    this.#endByHandler = end;
    return this;
  }

  /** The handler begins with a message. */
  beginMessage(): void {
    this.#inHandler += 1;
  }

  /** The handler is done with a message. */
  endMessage(): void {
    this.#inHandler -= 1;
    this.#hold(-(this.#costs.shift() ?? 0));
  }

  /** A message was given to the handler; one that does not say when it is done with it is done now. */
  passed(): void {
    if (!this.#handlerReleases) this.#hold(-(this.#costs.shift() ?? 0));
  }

  /** The call is over: nothing is held but what its handler still works on. */
  close(): void {
    this.#isOver = true;
    let bytes = this.#partial.length + this.#metadataBytes;
    for (const cost of this.#costs.splice(this.#inHandler)) bytes += cost;
    this.#partial = NOTHING;
    this.#metadataBytes = 0;
    this.#hold(-bytes);
  }

  #wholeFrame(data: Buffer, at: number): Buffer | undefined {
    if (data.length - at < HEAD_BYTES) return undefined;
    const end = at + HEAD_BYTES + data.readUInt32BE(at + 1);
    return end <= data.length ? data.subarray(at, end) : undefined;
  }

  /** Copies what belongs to the next message, or to its head; returns how much that is. */
  #collect(data: Buffer, at: number): number {
    const wanted = this.#partialBytes < HEAD_BYTES ? HEAD_BYTES : this.#frameBytes();
    const count = Math.min(wanted - this.#partialBytes, data.length - at);
    this.#reserve(this.#partialBytes + count, wanted);
    if (this.#isOver) return count;
    data.copy(this.#partial, this.#partialBytes, at, at + count);
    this.#partialBytes += count;
    return count;
  }

  #frameBytes(): number {
    return HEAD_BYTES + this.#partial.readUInt32BE(1);
  }

  /** A caller that sends a byte at a time gets memory for what came, and not for what it has announced. */
  #reserve(bytes: number, max: number): void {
    if (bytes <= this.#partial.length) return;
    const capacity = Math.max(bytes, Math.min(max, 2 * this.#partial.length));
    if (!this.#hasRoom(capacity)) return;
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#partial.copy(larger, 0, 0, this.#partialBytes);
    this.#hold(capacity - this.#partial.length);
    this.#partial = larger;
  }

  #finishPartial(): Buffer | undefined {
    if (this.#isOver || this.#partialBytes < HEAD_BYTES) return undefined;
    if (this.#isTooLarge(this.#frameBytes() - HEAD_BYTES) || this.#partialBytes < this.#frameBytes())
      return undefined;
    const frame = this.#partial.subarray(0, this.#partialBytes);
    this.#hold(-this.#partial.length);
    this.#partial = NOTHING;
    this.#partialBytes = 0;
    return this.#finish(frame);
  }

  /** Checks and decompresses a whole frame; undefined if that has ended the call. */
  #finish(received: Buffer): Buffer | undefined {
    if (this.#isTooLarge(received.length - HEAD_BYTES)) return undefined;
    const frame = received[0] === COMPRESSED ? this.#decompress(received) : received;
    if (frame === undefined) return undefined;
    const fields = this.#countFields(frame);
    if (fields === undefined) return undefined;
    const bytes = frame.length - HEAD_BYTES;
    if (bytes <= SMALL_BYTES && !this.#call.isStream) return frame;
    const cost = MESSAGE_BYTES + BYTE_COST * bytes + FIELD_BYTES * fields;
    if (!this.#hasRoom(cost)) return undefined;
    if (this.#metadata) readers.set(this.#metadata, this);
    this.#costs.push(cost);
    this.#hold(cost);
    return frame;
  }

  /** How many fields a batch has; undefined if they are too many, which has ended the call. */
  #countFields(frame: Buffer): number | undefined {
    const { maxFields } = this.#rule;
    if (maxFields === undefined) return 0;
    const fields = countFields(frame.subarray(HEAD_BYTES), maxFields + 1);
    if (fields <= maxFields) return fields;
    const details = `the request has over ${maxFields} entries: send several`;
    this.#end({ code: status.INVALID_ARGUMENT, details });
    return undefined;
  }

  /** In one go, so that nothing of it is in memory but what it becomes; grpc-js answers an encoding that is none. */
  #decompress(frame: Buffer): Buffer | undefined {
    const decompress = DECOMPRESSORS.get(this.#call.encoding ?? '');
    if (decompress === undefined) return frame;
    try {
      const message = decompress(frame.subarray(HEAD_BYTES), { maxOutputLength: this.#rule.maxBytes });
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt32BE(message.length, 1);
      return Buffer.concat([head, message]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') this.#isTooLarge(Infinity);
      else this.#end({ code: status.INTERNAL, details: 'the request cannot be decompressed' });
      return undefined;
    }
  }

  /** Ends the call if the message is too large. */
  #isTooLarge(bytes: number): boolean {
    const { maxBytes } = this.#rule;
    if (bytes <= maxBytes) return false;
    const size = Number.isFinite(bytes) ? `this one has ${bytes}` : 'this one is larger when decompressed';
    const details = `a request of this method must be at most ${maxBytes} bytes; ${size}`;
    this.#end({ code: status.RESOURCE_EXHAUSTED, details });
    return true;
  }

  #hasRoom(bytes: number): boolean {
    const refusal = this.#call.refusalOf(bytes);
    if (refusal) this.#end(refusal);
    return refusal === undefined;
  }

  #end(ending: Ending): void {
    this.#isOver = true;
    if (this.#endByHandler) this.#endByHandler(ending);
    else this.#call.end(ending);
  }

  #hold(bytes: number): void {
    if (bytes !== 0) this.#held.add(this.#call.connection, bytes);
  }
}
