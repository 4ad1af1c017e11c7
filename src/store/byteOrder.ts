/** Compares strings by their UTF-8 bytes, the order of Redis and LMDB. */
export function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
