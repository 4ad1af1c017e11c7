import { type Metadata, status } from '@grpc/grpc-js';
import { countFields } from './fields.js';
import { decompressed, FRAME_HEADER_BYTES, isCompressed, wholeFrame } from './frames.js';
import type { HeldBytes } from './heldBytes.js';
import { PartialFrame } from './partialFrame.js';
import type { Ending, ReadCall } from './readCall.js';
import { memoryOf, SMALL_REQUEST_BYTES } from './requestMemory.js';
import type { RequestRule } from './requestRules.js';

const readers = new WeakMap<Metadata, RequestReader>();

/** The reader of a call, by the metadata of the call; undefined if none of its messages is counted. */
export function requestReaderOf(metadata: Metadata): RequestReader | undefined {
  return readers.get(metadata);
}

/**
 * Reads the messages of a call out of its bytes, in place of the decoder of grpc-js. That one has a single
 * limit for all methods, keeps the buffers of the network for as long as a message lasts, and decompresses
 * any number of messages at once. Counts what is held until the handler has finished with it.
 */
export class RequestReader {
  readonly #call: ReadCall;
  readonly #rule: RequestRule;
  readonly #held: HeldBytes;
  #partial: PartialFrame | undefined;
  /** Costs of the messages that were received and are not finished yet. */
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

  /** Begins with the metadata, which is counted as well; false if that has ended the call. */
  begin(metadata: Metadata, metadataBytes: number): boolean {
    this.#metadata = metadata;
    if (this.#call.isStream) readers.set(metadata, this);
    else if (metadataBytes <= SMALL_REQUEST_BYTES) return true;
    if (!this.#hasRoom(metadataBytes)) return false;
    this.#metadataBytes = metadataBytes;
    this.#hold(metadataBytes);
    return true;
  }

  /** Empties the metadata of a stream, which nobody needs any more: up to 16 KiB while the stream is open. */
  releaseMetadata(): void {
    if (this.#metadataBytes === 0) return;
    for (const name of Object.keys(this.#metadata?.getMap() ?? {})) this.#metadata?.remove(name);
    this.#hold(-this.#metadataBytes);
    this.#metadataBytes = 0;
  }

  /**
   * Takes bytes of the caller, and returns the frames that are complete, as grpc-js expects of its decoder.
   */
  write(data: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    for (let at = 0; at < data.length && !this.#isOver; ) {
      const whole = this.#partial === undefined ? wholeFrame(data, at) : undefined;
      at += whole ? whole.length : this.#collect(data, at);
      const frame = whole ? this.#finish(Buffer.from(whole)) : this.#finishPartial();
      if (frame) frames.push(frame);
    }
    return frames;
  }

  /**
   * From now on the handler calls {@link endMessage}. The handler of a stream passes `end`, which ends the
   * stream once the messages in flight are answered, and accepts no further one.
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

  /** The handler has finished with a message. */
  endMessage(): void {
    this.#inHandler -= 1;
    this.#hold(-(this.#costs.shift() ?? 0));
  }

  /** A message was passed to the handler: it is finished, unless the handler calls {@link endMessage}. */
  passed(): void {
    if (!this.#handlerReleases) this.#hold(-(this.#costs.shift() ?? 0));
  }

  /** The call is over: only messages on which the handler still works stay counted. */
  close(): void {
    this.#isOver = true;
    let bytes = (this.#partial?.capacity ?? 0) + this.#metadataBytes;
    for (const cost of this.#costs.splice(this.#inHandler)) bytes += cost;
    this.#partial = undefined;
    this.#metadataBytes = 0;
    this.#hold(-bytes);
  }

  /** Keeps what belongs to the next frame, or to its header. Returns how many bytes that is. */
  #collect(data: Buffer, at: number): number {
    this.#partial ??= new PartialFrame();
    const before = this.#partial.capacity;
    const capacity = this.#partial.capacityFor(data.length - at);
    if (capacity > before) {
      if (!this.#hasRoom(capacity)) return data.length - at;
      this.#hold(capacity - before);
      this.#partial.grow(capacity);
    }
    return this.#partial.append(data, at);
  }

  #finishPartial(): Buffer | undefined {
    const partial = this.#partial;
    if (this.#isOver || partial?.messageBytes === undefined) return undefined;
    if (this.#isTooLarge(partial.messageBytes) || !partial.isComplete) return undefined;
    this.#hold(-partial.capacity);
    this.#partial = undefined;
    return this.#finish(partial.frame);
  }

  /** Checks and decompresses a complete frame; undefined if that has ended the call. */
  #finish(received: Buffer): Buffer | undefined {
    if (this.#isTooLarge(received.length - FRAME_HEADER_BYTES)) return undefined;
    const frame = isCompressed(received) ? this.#decompress(received) : received;
    if (frame === undefined) return undefined;
    const fields = this.#countFields(frame);
    if (fields === undefined) return undefined;
    const bytes = frame.length - FRAME_HEADER_BYTES;
    if (bytes <= SMALL_REQUEST_BYTES && !this.#call.isStream) return frame;
    const cost = memoryOf(bytes, fields);
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
    const fields = countFields(frame.subarray(FRAME_HEADER_BYTES), maxFields + 1);
    if (fields <= maxFields) return fields;
    const details = `the request has over ${maxFields} entries: send several requests`;
    this.#end({ code: status.INVALID_ARGUMENT, details });
    return undefined;
  }

  /** Decompresses a frame; undefined if that has ended the call. */
  #decompress(frame: Buffer): Buffer | undefined {
    try {
      return decompressed(frame, this.#call.encoding, this.#rule.maxBytes);
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
    const rejection = this.#call.rejectionOf(bytes);
    if (rejection) this.#end(rejection);
    return rejection === undefined;
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
