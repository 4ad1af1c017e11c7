import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { DURATION, parseDuration } from './durations.js';

const MAX_MS = 3_650 * 86_400_000;

/** A flag that takes a time: how long ago, such as "1h", or ISO 8601. Its value is a time. */
export const sinceFlag = Flags.custom<Date>({
  parse: async (text, _, { name }) => {
    if (DURATION.test(text))
      return new Date(Date.now() - parseDuration(text, `--${name}`, { min: 0, max: MAX_MS }));
    const time = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN);
    if (!Number.isNaN(time.getTime())) return time;
    throw new ImstateError(
      'WRONG_USAGE',
      `--${name} must be a duration such as 30m, 1h or 7d, or a time such as 2026-11-23T06:00:00Z`,
    );
  },
});
