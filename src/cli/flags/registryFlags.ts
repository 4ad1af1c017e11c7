import { Flags } from '@oclif/core';
import { REGISTRY_DEFAULTS } from 'imstate-client/internal/registry/discovery';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { durationDefault, durationFlag, textFlag, underHeading } from './flagTypes.js';
import { readSecret } from './secretFile.js';

/** Flags that `serve` and the client commands share: where the registry is. */
export const registryFlags = underHeading('REGISTRY', {
  etcd: textFlag({
    description: 'nodes of etcd; write https:// for TLS',
    env: 'IMSTATE_ETCD',
    helpValue: 'HOST:PORT,…',
  }),
  'etcd-user': textFlag({
    description: 'user of etcd',
    env: 'IMSTATE_ETCD_USER',
    helpValue: 'NAME',
  }),
  'etcd-password-file': textFlag({
    description: 'file with the password of etcd',
    env: 'IMSTATE_ETCD_PASSWORD_FILE',
    helpValue: 'FILE',
  }),
  service: Flags.string({
    description: 'name of the service',
    env: 'IMSTATE_SERVICE',
    default: REGISTRY_DEFAULTS.service,
    helpValue: 'NAME',
    parse: async (text) => {
      if (text.split('/').every((word) => /^[^\s/]+$/.test(word) && !/^\.+$/.test(word))) return text;
      throw new ImstateError(
        'WRONG_USAGE',
        '--service must be words separated by single slashes, such as im/state-server',
      );
    },
  }),
  'data-dir': textFlag({
    description: 'data directory [default: ~/.local/share/imstate]',
    env: 'IMSTATE_DATA_DIR',
    helpValue: 'DIR',
  }),
});

/** Flags of `serve`: how it registers. */
export const registrationFlags = underHeading('REGISTRY', {
  'lease-ttl': durationFlag({
    description: 'time until a dead entry leaves etcd',
    env: 'IMSTATE_LEASE_TTL',
    ...durationDefault(REGISTRY_DEFAULTS.leaseTtlMs),
    min: 2_000,
    step: 1_000,
    max: 3_600_000,
    helpValue: 'TIME',
  }),
  'allow-other-store': Flags.boolean({
    description: 'register beside daemons of another store',
    env: 'IMSTATE_ALLOW_OTHER_STORE',
  }),
});

/** What {@link etcdCredentials} reads. */
export interface EtcdUserFlags {
  'etcd-user': string | undefined;
  'etcd-password-file': string | undefined;
}

/** User and password of etcd. The password has no flag, so that `ps` never shows it. */
export function etcdCredentials({ 'etcd-user': user, 'etcd-password-file': file }: EtcdUserFlags) {
  const password = file ? readSecret(file, '--etcd-password-file') : process.env.IMSTATE_ETCD_PASSWORD;
  return { etcdUsername: user, etcdPassword: password || undefined };
}
