/** A length-delimited field of a message, with a number of at most 15. */
export function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.of(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A varint field, with a number of at most 15. */
export function numberField(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(number * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return Buffer.from([...bytes, left]);
}
