import { textFlag } from './flags.js';

/** The file that the commands of `imstate token` work on. */
export const tokenFileFlag = {
  file: textFlag({
    description: 'file that lists the tokens, as imstate serve --auth-tokens reads it',
    env: 'IMSTATE_FILE',
    helpValue: 'FILE',
    required: true,
  }),
};
