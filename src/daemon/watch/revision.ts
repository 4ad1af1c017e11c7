import { broken } from '../../presence/validate.js';
import type { LogPosition } from '../../store/changeLog.js';

/** A revision as callers carry it, opaque to them: the place in the change log of each shard, as variable-length numbers. */
export function formatRevision(places: readonly LogPosition[]): string {
  return new RevisionWriter().write(places);
}

/** Writes one revision after the other, of which each is like that before but for a few places. */
export class RevisionWriter {
  #written: (LogPosition | undefined)[] = [];
  /** Where the place of each shard begins, and where the last one ends. */
  #starts: number[] = [];
  #buffer = Buffer.alloc(0);

  write(places: readonly LogPosition[]): string {
    if (places.length !== this.#written.length) this.#writeAll(places);
    for (let shard = 0; shard < places.length; shard++) {
      const place = places[shard] as LogPosition;
      if (place === this.#written[shard]) continue;
      if (sizeOf(place) === (this.#starts[shard + 1] as number) - (this.#starts[shard] as number)) {
        this.#writePlace(shard, place);
      } else {
        this.#writeAll(places);
        break;
      }
    }
    return this.#buffer.toString('base64url', 0, this.#starts[places.length]);
  }

  #writeAll(places: readonly LogPosition[]): void {
    if (this.#written.length !== places.length) this.#buffer = Buffer.allocUnsafe(2 + places.length * 16);
    this.#starts = [writeNumber(this.#buffer, 0, places.length)];
    for (const [shard, place] of places.entries()) this.#starts.push(this.#writePlace(shard, place));
  }

  #writePlace(shard: number, place: LogPosition): number {
    this.#written[shard] = place;
    return writeNumber(
      this.#buffer,
      writeNumber(this.#buffer, this.#starts[shard] as number, place[0]),
      place[1],
    );
  }
}

/** The places of a revision; rejects what formatRevision did not make. */
export function parseRevision(revision: string): LogPosition[] {
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
    throw broken('resume_revision', 'must be a revision that a watch gave');
  }
  return Array.from({ length: count }, (_, i) => [rest[2 * i] as number, rest[2 * i + 1] as number] as const);
}

function writeNumber(buffer: Buffer, at: number, value: number): number {
  let [left, end] = [value, at];
  for (; left >= 0x80; left = Math.floor(left / 128)) end = buffer.writeUInt8((left % 128) | 0x80, end);
  return buffer.writeUInt8(left, end);
}

function sizeOf([first, second]: LogPosition): number {
  return sizeOfNumber(first) + sizeOfNumber(second);
}

function sizeOfNumber(value: number): number {
  let size = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 128)) size += 1;
  return size;
}
