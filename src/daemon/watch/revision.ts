import { broken } from '../../presence/validate.js';
import type { LogPosition } from '../../store/changeLog.js';

/** The revision of log positions, by shard. Opaque to callers: variable-length numbers in Base64. */
export function formatRevision(positions: readonly LogPosition[]): string {
  return new RevisionWriter().write(positions);
}

/** Writes successive revisions, each of which differs from the previous one in few positions. */
export class RevisionWriter {
  #written: (LogPosition | undefined)[] = [];
  /** The offset of the position of each shard, and the end of the last one. */
  #starts: number[] = [];
  #buffer = Buffer.alloc(0);

  write(positions: readonly LogPosition[]): string {
    if (positions.length !== this.#written.length) this.#writeAll(positions);
    for (let shard = 0; shard < positions.length; shard++) {
      const position = positions[shard] as LogPosition;
      if (position === this.#written[shard]) continue;
      if (sizeOf(position) === (this.#starts[shard + 1] as number) - (this.#starts[shard] as number)) {
        this.#writePosition(shard, position);
      } else {
        this.#writeAll(positions);
        break;
      }
    }
    return this.#buffer.toString('base64url', 0, this.#starts[positions.length]);
  }

  #writeAll(positions: readonly LogPosition[]): void {
    if (this.#written.length !== positions.length)
      this.#buffer = Buffer.allocUnsafe(2 + positions.length * 16);
    this.#starts = [writeNumber(this.#buffer, 0, positions.length)];
    for (const [shard, position] of positions.entries())
      this.#starts.push(this.#writePosition(shard, position));
  }

  #writePosition(shard: number, position: LogPosition): number {
    this.#written[shard] = position;
    return writeNumber(
      this.#buffer,
      writeNumber(this.#buffer, this.#starts[shard] as number, position[0]),
      position[1],
    );
  }
}

/** The log positions of a revision, by shard. Throws INVALID_ARGUMENT if formatRevision() did not make it. */
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
    throw broken('resume_revision', 'must be a revision that a watch has sent');
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
