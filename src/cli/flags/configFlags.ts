import { textFlag, underHeading } from './flagTypes.js';

/** Flags of `serve`: its config file. */
export const serveConfigFlags = underHeading('GLOBAL', {
  config: textFlag({
    description: 'config file [default: imstate.yaml or .json here]',
    env: 'IMSTATE_CONFIG',
    helpValue: 'FILE',
  }),
});

/** Flags of the client commands: where their settings are. */
export const clientConfigFlags = {
  context: textFlag({
    description: 'context to use instead of the current one',
    env: 'IMSTATE_CONTEXT',
    helpValue: 'NAME',
    exclusive: ['endpoint', 'etcd', 'data-dir'],
  }),
  config: textFlag({
    description: 'config file, YAML or JSON',
    env: 'IMSTATE_CONFIG',
    helpValue: 'FILE',
  }),
};
