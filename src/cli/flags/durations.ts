import { ImstateError } from 'imstate-client/internal/shared/errors';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a time looks like; 0 needs no unit. */
export const DURATION = /^(?:0|(\d+(?:\.\d+)?)(ms|s|m|h|d))$/;

/** Which times are taken, in milliseconds; a type, since oclif takes no interface as options of a flag. */
export type DurationRule = {
  min: number;
  max: number;
  /** Only multiples of it. */
  step?: number;
};

/** Milliseconds of a time such as "500ms", "10s", "3m" or "1h"; `name` says in an error what breaks its rule. */
export function parseDuration(text: string, name: string, { min, max, step = 1 }: DurationRule): number {
  const match = DURATION.exec(text);
  if (match === null) {
    throw new ImstateError(
      'WRONG_USAGE',
      `${name} must be a time with its unit, such as 500ms, 10s, 3m or 1h`,
    );
  }
  const [, count = '0', unit = 'ms'] = match;
  const ms = Math.round(Number(count) * (UNITS[unit] as number));
  if (ms >= min && ms <= max && ms % step === 0) return ms;
  const whole = step === 1 ? '' : `, in whole units of ${formatDuration(step)}`;
  const rule = `must be from ${formatDuration(min)} to ${formatDuration(max)}${whole}`;
  throw new ImstateError('WRONG_USAGE', `${name} ${rule}`);
}

/** What {@link parseDuration} would read as `ms`. */
export function formatDuration(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms > 0 && ms % (UNITS[name] as number) === 0) ?? 'ms';
  return `${ms / (UNITS[unit] as number)}${unit}`;
}
