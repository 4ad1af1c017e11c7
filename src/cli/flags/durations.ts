import { ImstateError } from 'imstate-client/internal/shared/errors';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration; 0 needs no unit. */
export const DURATION = /^(?:0|(\d+(?:\.\d+)?)(ms|s|m|h|d))$/;

/**
 * The bounds of a duration in milliseconds. A type, because oclif accepts no interface as options of a flag.
 */
export type DurationRule = {
  min: number;
  max: number;
  /** Only multiples of it are valid. Milliseconds. */
  step?: number;
};

/**
 * Parses a duration such as "500ms", "10s", "3m" or "1h" to milliseconds. Throws WRONG_USAGE, which calls it
 * `name`.
 */
export function parseDuration(text: string, name: string, { min, max, step = 1 }: DurationRule): number {
  const match = DURATION.exec(text);
  if (match === null) {
    throw new ImstateError(
      'WRONG_USAGE',
      `${name} must be a duration with a unit, such as 500ms, 10s, 3m or 1h`,
    );
  }
  const [, count = '0', unit = 'ms'] = match;
  const ms = Math.round(Number(count) * (UNITS[unit] as number));
  if (ms >= min && ms <= max && ms % step === 0) return ms;
  const whole = step === 1 ? '' : `, in whole units of ${formatDuration(step)}`;
  const rule = `must be from ${formatDuration(min)} to ${formatDuration(max)}${whole}`;
  throw new ImstateError('WRONG_USAGE', `${name} ${rule}`);
}

/** The text that {@link parseDuration} reads as `ms`. */
export function formatDuration(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms > 0 && ms % (UNITS[name] as number) === 0) ?? 'ms';
  return `${ms / (UNITS[unit] as number)}${unit}`;
}
