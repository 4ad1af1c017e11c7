import type { Duration__Output } from '../generated/google/protobuf/Duration.js';

/** Milliseconds as a google.protobuf.Duration. */
export function toDuration(ms: number): Duration__Output {
  const seconds = Math.trunc(ms / 1_000);
  return { seconds, nanos: (ms - seconds * 1_000) * 1_000_000 };
}

/** Milliseconds of a google.protobuf.Duration; undefined if it is absent. */
export function fromDuration(duration: Duration__Output | null | undefined): number | undefined {
  return duration ? duration.seconds * 1_000 + Math.round(duration.nanos / 1_000_000) : undefined;
}

/** Milliseconds as a google.protobuf.Duration; null if they are absent. */
export function optionalDuration(ms: number | undefined): Duration__Output | null {
  return ms === undefined ? null : toDuration(ms);
}
