import { FRAME_HEADER_BYTES } from './frames.js';

const NOTHING = Buffer.alloc(0);

/** A frame of which only a part has arrived. */
export class PartialFrame {
  #buffer = NOTHING;
  #bytes = 0;

  /** The memory that it takes. Bytes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** The length of the message; undefined until the header has arrived. Bytes. */
  get messageBytes(): number | undefined {
    return this.#bytes < FRAME_HEADER_BYTES ? undefined : this.#buffer.readUInt32BE(1);
  }

  get isComplete(): boolean {
    return this.#bytes >= FRAME_HEADER_BYTES && this.#bytes === this.#wantedBytes;
  }

  /** What has arrived. */
  get frame(): Buffer {
    return this.#buffer.subarray(0, this.#bytes);
  }

  /**
   * The capacity that it needs to append what arrived. It grows with what arrives, not to the announced
   * length: otherwise a caller that sends a byte at a time would take the memory of a whole message.
   */
  capacityFor(arrivedBytes: number): number {
    const bytes = this.#bytes + Math.min(this.#wantedBytes - this.#bytes, arrivedBytes);
    if (bytes <= this.capacity) return this.capacity;
    return Math.max(bytes, Math.min(this.#wantedBytes, 2 * this.capacity));
  }

  grow(capacity: number): void {
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(larger, 0, 0, this.#bytes);
    this.#buffer = larger;
  }

  /** Copies what belongs to the header, or to the rest of the frame. Returns how many bytes that is. */
  append(data: Buffer, at: number): number {
    const count = Math.min(this.#wantedBytes - this.#bytes, data.length - at);
    data.copy(this.#buffer, this.#bytes, at, at + count);
    this.#bytes += count;
    return count;
  }

  get #wantedBytes(): number {
    return FRAME_HEADER_BYTES + (this.messageBytes ?? 0);
  }
}
