import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { FlagTable } from '../config/settings.js';
import { type DurationRule, formatDuration, parseDuration } from './durations.js';

/** A flag that takes a duration such as "500ms", "10s", "3m" or "1h". Its value is in milliseconds. */
export const durationFlag = Flags.custom<number, DurationRule>({
  parse: async (text, _, { name, ...rule }) => parseDuration(text, `--${name}`, rule),
});

/** Identifies such a flag. */
export const takesDuration: unknown = durationFlag({ min: 0, max: 0 }).parse;

/** A default of a durationFlag, as the help shows it. */
export function durationDefault(ms: number) {
  return { default: ms, defaultHelp: async () => formatDuration(ms) };
}

/** A flag that takes a text which is not empty: an unset variable of a script is an error. */
export const textFlag = Flags.custom<string>({
  parse: async (text, _, { name }) => {
    if (text !== '') return text;
    throw new ImstateError('WRONG_USAGE', `--${name} must not be empty: give it a value, or leave it out`);
  },
});

/** The flags under a heading of the help. */
export function underHeading<Group extends FlagTable>(helpGroup: string, flags: Group): Group {
  const entries = Object.entries(flags).map(([name, flag]) => [name, { ...flag, helpGroup }]);
  return Object.fromEntries(entries);
}
