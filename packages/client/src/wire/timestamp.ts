import type { Timestamp__Output } from '../generated/google/protobuf/Timestamp.js';

/** Milliseconds since 1970 as a google.protobuf.Timestamp; undefined stays absent. */
export function toTimestamp(ms: number): Timestamp__Output;
export function toTimestamp(ms: number | undefined): Timestamp__Output | null;
export function toTimestamp(ms: number | undefined): Timestamp__Output | null {
  if (ms === undefined) return null;
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: (ms - seconds * 1_000) * 1_000_000 };
}

/** The time of a google.protobuf.Timestamp; undefined if it is absent. */
export function fromTimestamp(timestamp: Timestamp__Output | null | undefined): Date | undefined {
  return timestamp ? new Date(timestamp.seconds * 1_000 + timestamp.nanos / 1_000_000) : undefined;
}
