import { randomInt } from 'node:crypto';
import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Assertion, parseAssertions } from '../../simulation/assertion.js';
import { PLAN_DEFAULTS, type Plan } from '../../simulation/plan.js';
import { MAX_DEVICES } from '../../simulation/population.js';
import { durationDefault, durationFlag, textFlag } from './flagTypes.js';

const DAY_MS = 86_400_000;
/** The longest simulation. */
export const MAX_DURATION_MS = 7 * DAY_MS;

/** Flags that `simulate` and `demo` share. */
export const runFlags = {
  seed: Flags.integer({
    description: 'seed of everything [default: random]',
    env: 'IMSTATE_SEED',
    min: 0,
    max: 2 ** 32 - 1,
    helpValue: 'N',
  }),
};

/** Flags of `simulate`: the plan. */
export const planFlags = {
  ...runFlags,
  duration: durationFlag({
    description: 'time to run; 0s until Ctrl-C',
    env: 'IMSTATE_DURATION',
    ...durationDefault(PLAN_DEFAULTS.durationMs),
    min: 0,
    max: MAX_DURATION_MS,
    helpValue: 'TIME',
  }),
  users: Flags.integer({
    description: 'number of users',
    env: 'IMSTATE_USERS',
    default: PLAN_DEFAULTS.users,
    min: 1,
    max: 200_000,
    helpValue: 'N',
  }),
  devices: Flags.integer({
    description: 'maximum devices per user',
    env: 'IMSTATE_DEVICES',
    default: PLAN_DEFAULTS.devices,
    min: 1,
    max: MAX_DEVICES,
    helpValue: 'N',
  }),
  servers: Flags.integer({
    description: 'chat servers, each with a lease',
    env: 'IMSTATE_SERVERS',
    default: PLAN_DEFAULTS.servers,
    min: 1,
    max: 500,
    helpValue: 'N',
  }),
  logins: Flags.integer({
    description: 'new logins per second',
    env: 'IMSTATE_LOGINS',
    default: PLAN_DEFAULTS.logins,
    min: 1,
    max: 100_000,
    helpValue: 'N',
  }),
  queries: Flags.integer({
    description: 'queries per second',
    env: 'IMSTATE_QUERIES',
    default: PLAN_DEFAULTS.queries,
    min: 0,
    max: 100_000,
    helpValue: 'N',
  }),
  'session-length': durationFlag({
    description: 'mean length of a session',
    env: 'IMSTATE_SESSION_LENGTH',
    ...durationDefault(PLAN_DEFAULTS.sessionMs),
    min: 100,
    max: DAY_MS,
    helpValue: 'TIME',
  }),
  flapping: Flags.integer({
    description: 'percentage of logins that flap',
    env: 'IMSTATE_FLAPPING',
    default: PLAN_DEFAULTS.flapping,
    min: 0,
    max: 100,
    helpValue: 'PERCENT',
  }),
  'crash-every': durationFlag({
    description: 'time between crashes; 0s: none',
    env: 'IMSTATE_CRASH_EVERY',
    ...durationDefault(PLAN_DEFAULTS.crashEveryMs),
    min: 0,
    max: DAY_MS,
    helpValue: 'TIME',
  }),
  prefix: Flags.string({
    description: 'prefix of all names',
    env: 'IMSTATE_PREFIX',
    default: PLAN_DEFAULTS.prefix,
    helpValue: 'TEXT',
    parse: async (text) => {
      if (/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/.test(text)) return text;
      throw new ImstateError(
        'WRONG_USAGE',
        '--prefix must be 1 to 32 letters, digits, dots and dashes that begin with a letter or digit: addresses of chat servers contain it',
      );
    },
  }),
  assert: textFlag({
    description: 'condition to hold, such as "p99<20ms"',
    env: 'IMSTATE_ASSERT',
    helpValue: "'METRIC OP VALUE'",
    multiple: true,
    multipleNonGreedy: true,
  }),
  keep: Flags.boolean({
    description: 'leave sessions online for an hour at the end',
    env: 'IMSTATE_KEEP',
  }),
};

/** The flags of a plan, parsed. */
interface PlanFlags {
  seed: number | undefined;
  duration: number;
  users: number;
  devices: number;
  servers: number;
  logins: number;
  queries: number;
  'session-length': number;
  flapping: number;
  'crash-every': number;
  prefix: string;
}

/** The plan that the flags describe. */
export function planOf(flags: PlanFlags): Plan {
  const { users, devices, servers, logins, queries, flapping, prefix } = flags;
  return {
    users,
    devices,
    servers,
    logins,
    queries,
    flapping,
    prefix,
    seed: seedOf(flags),
    durationMs: flags.duration || Infinity,
    sessionMs: flags['session-length'],
    crashEveryMs: flags['crash-every'] || Infinity,
  };
}

/** The seed, or a random one that is short enough to type again. */
export function seedOf({ seed }: { seed: number | undefined }): number {
  return seed ?? randomInt(10_000);
}

/** The assertions of --assert. */
export function assertionsOf({ assert }: { assert: string[] | undefined }): Assertion[] {
  // oclif splits the flag, but not its environment variable.
  return [assert ?? []].flat().flatMap(parseAssertions);
}
