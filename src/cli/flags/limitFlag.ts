import { Flags } from '@oclif/core';

/** The maximum number of rows of a listing. */
export const limitFlag = Flags.integer({
  description: 'maximum number of rows, up to 10000',
  env: 'IMSTATE_LIMIT',
  default: 100,
  min: 1,
  max: 10_000,
  helpValue: 'N',
});
