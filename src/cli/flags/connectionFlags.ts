import { CONNECTION } from '../help/CommandHelp.js';
import { clientConfigFlags } from './configFlags.js';
import { textFlag, underHeading } from './flagTypes.js';
import { registryFlags } from './registryFlags.js';
import { clientTlsFlags, etcdTlsFlags } from './tlsFlags.js';
import { tokenFlags } from './tokenFlags.js';

/**
 * Flags of the client commands: which daemons to call, and how to authenticate. The help shows them in one
 * line.
 */
export const connectionFlags = underHeading(CONNECTION, {
  endpoint: textFlag({
    char: 'e',
    description: 'daemons to call; overrides the registry',
    env: 'IMSTATE_ENDPOINT',
    helpValue: 'HOST:PORT,…',
  }),
  ...clientConfigFlags,
  ...registryFlags,
  ...tokenFlags,
  ...clientTlsFlags,
  ...etcdTlsFlags,
});
