import { Flags } from '@oclif/core';
import { ImstateError } from '../errors.js';
import { REGISTRY_DEFAULTS } from '../registry/registry.js';
import { type DurationRule, formatDuration, parseDuration } from './durations.js';

/** A flag that takes a time such as "500ms", "10s", "3m" or "1h", and gives milliseconds. */
export const durationFlag = Flags.custom<number, DurationRule>({
  parse: async (text, _, { name, ...rule }) => parseDuration(text, `--${name}`, rule),
});

/** A default of a durationFlag, as the help shows it. */
export function durationDefault(ms: number) {
  return { default: ms, defaultHelp: async () => formatDuration(ms) };
}

/** A flag that takes a text which is not empty: an unset variable of a script must not pass for a flag left out. */
export const textFlag = Flags.custom<string>({
  parse: async (text, _, { name }) => {
    if (text !== '') return text;
    throw new ImstateError('WRONG_USAGE', `--${name} must not be empty: give it a value, or leave it out`);
  },
});

/** How many rows a listing shows at most. */
export const limitFlag = Flags.integer({
  description: 'show at most so many',
  env: 'IMSTATE_LIMIT',
  default: 100,
  min: 1,
  max: 10_000,
  helpValue: 'N',
});

/** Flags that `serve` and the client commands share: where the registry is. */
export const registryFlags = {
  etcd: textFlag({
    description: 'etcd nodes of the registry, each with http:// or https:// in front if wished',
    env: 'IMSTATE_ETCD',
    helpValue: 'HOST:PORT,…',
    helpGroup: 'REGISTRY',
  }),
  service: Flags.string({
    description: 'name under which daemons register',
    env: 'IMSTATE_SERVICE',
    default: REGISTRY_DEFAULTS.service,
    helpValue: 'NAME',
    helpGroup: 'REGISTRY',
    parse: async (text) => {
      if (text.split('/').every((word) => /^[^\s/]+$/.test(word) && !/^\.+$/.test(word))) return text;
      throw new ImstateError(
        'WRONG_USAGE',
        '--service must be words parted by single slashes, such as im/state-server',
      );
    },
  }),
  'data-dir': textFlag({
    description: 'data folder of the embedded store and registry [default: the data folder of this user]',
    env: 'IMSTATE_DATA_DIR',
    helpValue: 'DIR',
    helpGroup: 'REGISTRY',
  }),
};

/** User and password of etcd: from the environment only, so that `ps` never shows them. */
export function etcdCredentials(): { etcdUsername: string | undefined; etcdPassword: string | undefined } {
  return {
    etcdUsername: process.env.IMSTATE_ETCD_USER || undefined,
    etcdPassword: process.env.IMSTATE_ETCD_PASSWORD || undefined,
  };
}
