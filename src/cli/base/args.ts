import { Args } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** An argument that is not empty: an unset variable of a script is an error. */
export const textArg = Args.custom<string>({
  ignoreStdin: true,
  parse: async (text, _, { name, required }) => {
    if (text !== '') return text;
    const wayOut = required ? 'give it a value' : 'give it a value, or leave it out';
    throw new ImstateError('WRONG_USAGE', `${name.toUpperCase()} must not be empty: ${wayOut}`);
  },
});
