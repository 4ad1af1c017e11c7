/** Bytes of a field by its wire type; undefined if the length varies. */
const FIXED_BYTES: Record<number, number> = { 1: 8, 5: 4 };
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * How many fields a protobuf message has, up to a limit. A malformed message ends the count: its decoder
 * reports it.
 */
export function countFields(message: Buffer, limit: number): number {
  const reader = { message, at: 0 };
  let count = 0;
  while (reader.at < message.length && count < limit) {
    const wireType = readVarint(reader) & 7;
    const length = wireType === LENGTH_DELIMITED ? readVarint(reader) : FIXED_BYTES[wireType];
    if (wireType === VARINT) readVarint(reader);
    else if (length === undefined) return count;
    else reader.at += length;
    count += 1;
  }
  return count;
}

function readVarint(reader: { message: Buffer; at: number }): number {
  let value = 0;
  for (let scale = 1; reader.at < reader.message.length; scale *= 128) {
    const byte = reader.message[reader.at++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value;
}
