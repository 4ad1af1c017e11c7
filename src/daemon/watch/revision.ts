import { ImstateError } from '../../errors.js';
import type { Place } from '../../store/ledger.js';

/** A revision as callers carry it, opaque to them: the place in the ledger of each shard, as variable-length numbers. */
export function formatRevision(places: readonly Place[]): string {
  const buffer = Buffer.allocUnsafe(2 + places.length * 16);
  let at = writeNumber(buffer, 0, places.length);
  for (const [first, second] of places) at = writeNumber(buffer, writeNumber(buffer, at, first), second);
  return buffer.toString('base64url', 0, at);
}

/** The places of a revision; rejects what formatRevision did not make. */
export function parseRevision(revision: string): Place[] {
  const buffer = Buffer.from(revision, 'base64url');
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of buffer) {
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    numbers.push(value);
    [value, scale] = [0, 1];
  }
  const [count, ...rest] = numbers;
  const isWhole = scale === 1 && count !== undefined && count > 0 && rest.length === 2 * count;
  if (!isWhole || !rest.every(Number.isSafeInteger)) {
    throw new ImstateError('INVALID_ARGUMENT', 'resume_revision must be a revision that a watch gave');
  }
  return Array.from({ length: count }, (_, i) => [rest[2 * i] as number, rest[2 * i + 1] as number] as const);
}

function writeNumber(buffer: Buffer, at: number, value: number): number {
  let [left, end] = [value, at];
  for (; left >= 0x80; left = Math.floor(left / 128)) end = buffer.writeUInt8((left % 128) | 0x80, end);
  return buffer.writeUInt8(left, end);
}
