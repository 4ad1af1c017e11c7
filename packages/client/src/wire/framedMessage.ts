/** The compression flag and the length before each gRPC message. */
const PREFIX_BYTES = 5;

/** An encoded message. Several streams can send it, so it is encoded and kept in memory only once. */
export class FramedMessage {
  /** The message with its prefix. */
  readonly frame: Buffer;

  /** Concatenates the parts of a message. */
  constructor(parts: readonly Buffer[]) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(length, 1);
    this.frame = Buffer.concat([prefix, ...parts], PREFIX_BYTES + length);
  }

  /** The message without its prefix. */
  get body(): Buffer {
    return this.frame.subarray(PREFIX_BYTES);
  }
}
