import { Flags } from '@oclif/core';
import { ImstateError } from '../errors.js';
import { REGISTRY_DEFAULTS } from '../registry/registry.js';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A flag that takes a time such as "500ms", "10s", "3m" or "1h", and gives milliseconds. */
export const durationFlag = Flags.custom<number, { min: number; max: number; step?: number }>({
  parse: async (text, _, { name, min, max, step = 1 }) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
    if (match === null) {
      throw new ImstateError(
        'WRONG_USAGE',
        `--${name} must be a time with its unit, such as 500ms, 10s, 3m or 1h`,
      );
    }
    const ms = Math.round(Number(match[1]) * (UNITS[match[2] as string] as number));
    if (ms >= min && ms <= max && ms % step === 0) return ms;
    const whole = step === 1 ? '' : `, in whole units of ${formatDuration(step)}`;
    const rule = `must be from ${formatDuration(min)} to ${formatDuration(max)}${whole}`;
    throw new ImstateError('WRONG_USAGE', `--${name} ${rule}`);
  },
});

/** What {@link durationFlag} would read as `ms`. */
function formatDuration(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms > 0 && ms % (UNITS[name] as number) === 0) ?? 'ms';
  return `${ms / (UNITS[unit] as number)}${unit}`;
}

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
