import { Flags } from '@oclif/core';
import { REGISTRY_DEFAULTS } from 'imstate-client/internal/registry/discovery';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type DurationRule, formatDuration, parseDuration } from './durations.js';
import { readSecret } from './secretFile.js';

/** A flag that takes a time such as "500ms", "10s", "3m" or "1h", and gives milliseconds. */
export const durationFlag = Flags.custom<number, DurationRule>({
  parse: async (text, _, { name, ...rule }) => parseDuration(text, `--${name}`, rule),
});

/** By which such a flag is told from others. */
export const takesDuration: unknown = durationFlag({ min: 0, max: 0 }).parse;

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
  'etcd-user': textFlag({
    description: 'user of etcd',
    env: 'IMSTATE_ETCD_USER',
    helpValue: 'NAME',
    helpGroup: 'REGISTRY',
  }),
  'etcd-password-file': textFlag({
    description: 'file of the password of etcd; IMSTATE_ETCD_PASSWORD may hold the password itself',
    env: 'IMSTATE_ETCD_PASSWORD_FILE',
    helpValue: 'FILE',
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

/** What {@link etcdCredentials} reads. */
export interface EtcdUserFlags {
  'etcd-user': string | undefined;
  'etcd-password-file': string | undefined;
}

/** User and password of etcd; there is no flag for the password, so that `ps` never shows it. */
export function etcdCredentials({ 'etcd-user': user, 'etcd-password-file': file }: EtcdUserFlags) {
  const password = file ? readSecret(file, '--etcd-password-file') : process.env.IMSTATE_ETCD_PASSWORD;
  return { etcdUsername: user, etcdPassword: password || undefined };
}
