/** The flag of compression and the length, before each message of gRPC. */
const PREFIX_BYTES = 5;

/** A message as it goes over the wire. Several streams may send it: it is encoded, and kept in memory, once. */
export class FramedMessage {
  /** The message with its prefix. */
  readonly frame: Buffer;

  /** Puts the parts of a message together. */
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
