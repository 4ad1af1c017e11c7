import type protobuf from 'protobufjs';

const FIRST_BYTES = 64 * 1024;
/** A larger buffer is not kept: few messages need it. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** The greatest length that takes one byte, and how many characters always fit in it. */
const ONE_BYTE_LENGTH = 0x7f;
const SHORT = Math.floor(ONE_BYTE_LENGTH / 3);
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The writer for the encoders of protobufjs, as far as proto/ needs it. It writes directly into one buffer,
 * which it reuses for the next message. The writer of protobufjs creates an object for each field.
 */
export class MessageWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;
  /** The starts of the nested messages that are being written. */
  readonly #starts: number[] = [];

  /** Writes a whole message. */
  write(type: protobuf.Type, message: object): Buffer {
    this.#at = 0;
    this.#starts.length = 0;
    type.encode(message, this as unknown as protobuf.Writer);
    const written = Buffer.from(this.#buffer.subarray(0, this.#at));
    if (this.#buffer.length > MAX_KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
    return written;
  }

  /** A varint; tags too. */
  uint32(value: number): this {
    this.#reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
    return this;
  }

  int32(value: number): this {
    return value < 0 ? this.int64(value) : this.uint32(value);
  }

  /** The number must be an integer below 2^53. */
  int64(value: number): this {
    this.#reserve(10);
    let low = value >>> 0;
    let high = Math.floor(value / 2 ** 32) >>> 0;
    while (high > 0 || low > 0x7f) {
      this.#buffer[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#buffer[this.#at++] = low;
    return this;
  }

  bool(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  /** Throws for a lone surrogate: two such IDs would become the same. */
  string(value: string): this {
    // Buffer.write() of nothing takes as long as that of a short string, and most optional fields are empty.
    if (value === '') return this.uint32(0);
    if (value.length > SHORT) return this.#longString(value);
    this.#reserve(1 + ONE_BYTE_LENGTH);
    const bytes = this.#buffer.write(value, this.#at + 1);
    if (bytes !== value.length) checkWhole(value);
    this.#buffer[this.#at] = bytes;
    this.#at += 1 + bytes;
    return this;
  }

  #longString(value: string): this {
    const bytes = Buffer.byteLength(value);
    if (bytes !== value.length) checkWhole(value);
    this.uint32(bytes).#reserve(bytes);
    this.#at += this.#buffer.write(value, this.#at);
    return this;
  }

  /** Starts a nested message. */
  fork(): this {
    this.#reserve(1);
    // One byte for its length is usually enough.
    this.#at += 1;
    this.#starts.push(this.#at);
    return this;
  }

  /** Ends the nested message. */
  ldelim(): this {
    const start = this.#starts.pop() as number;
    const bytes = this.#at - start;
    if (bytes <= ONE_BYTE_LENGTH) {
      this.#buffer[start - 1] = bytes;
      return this;
    }
    const lengthBytes = bytes < 2 ** 14 ? 2 : bytes < 2 ** 21 ? 3 : bytes < 2 ** 28 ? 4 : 5;
    this.#reserve(lengthBytes - 1);
    this.#buffer.copyWithin(start - 1 + lengthBytes, start, this.#at);
    this.#at = start - 1;
    this.uint32(bytes);
    this.#at += bytes;
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

function checkWhole(value: string): void {
  if (LONE_SURROGATE.test(value)) {
    throw new RangeError('a string has half of a character (a lone surrogate)');
  }
}
