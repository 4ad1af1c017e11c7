import { textFlag } from './flags.js';

/** The file that the commands of `imstate token` work on. */
export const tokenFileFlag = {
  file: textFlag({
    description: 'file of tokens, for serve --auth-tokens',
    env: 'IMSTATE_FILE',
    helpValue: 'FILE',
    required: true,
  }),
};
