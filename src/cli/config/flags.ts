import { textFlag } from '../flags/flags.js';

/** Flags of `serve`: the file of its settings. */
export const serveConfigFlags = {
  config: textFlag({
    description:
      'file of settings, YAML or JSON [default: imstate.yaml, imstate.yml or imstate.json of the current folder]',
    env: 'IMSTATE_CONFIG',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
};

/** Flags of the client commands: where their settings are. */
export const clientConfigFlags = {
  config: textFlag({
    description: 'file of settings, YAML or JSON; the current folder is not searched for one',
    env: 'IMSTATE_CONFIG',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
  context: textFlag({
    description: 'context to use instead of the current one, see imstate context',
    env: 'IMSTATE_CONTEXT',
    helpValue: 'NAME',
    helpGroup: 'GLOBAL',
    exclusive: ['endpoint', 'etcd', 'data-dir'],
  }),
};
