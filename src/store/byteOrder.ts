/** Compares texts by their UTF-8 bytes, as Redis and LMDB order them. */
export function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
