/** What a decoded message takes besides its bytes: objects, and its part of a buffer. */
const MESSAGE_BYTES = 2_048;
/** Short strings take this many times their bytes on the wire. */
const BYTE_COST = 8;
/** What each entry of a batch takes: several objects. */
const FIELD_BYTES = 256;

/** Unary requests up to this size are not counted: the limit of calls in flight bounds them. */
export const SMALL_REQUEST_BYTES = 512;

/** The memory that a message takes once it is decoded, estimated. Bytes. */
export function memoryOf(bytes: number, fields: number): number {
  return MESSAGE_BYTES + BYTE_COST * bytes + FIELD_BYTES * fields;
}
