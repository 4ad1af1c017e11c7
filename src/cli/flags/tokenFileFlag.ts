import { textFlag } from './flagTypes.js';

/** The file that the commands of `imstate token` read and change. */
export const tokenFileFlag = {
  file: textFlag({
    description: 'file of tokens, for serve --auth-tokens',
    env: 'IMSTATE_FILE',
    helpValue: 'FILE',
    required: true,
  }),
};
