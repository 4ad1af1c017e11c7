import { randomInt } from 'node:crypto';
import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Assertion, parseAssertions } from '../../simulation/assertion.js';
import { PLAN_DEFAULTS, type Plan } from '../../simulation/plan.js';
import { MAX_DEVICES } from '../../simulation/population.js';
import { durationDefault, durationFlag, textFlag } from './flags.js';

const DAY_MS = 86_400_000;
/** How long a simulation may be told to go on. */
export const MAX_DURATION_MS = 7 * DAY_MS;

/** Flags that `simulate` and `demo` share. */
export const runFlags = {
  seed: Flags.integer({
    description: 'decides all that happens and when; one is made up and shown if it is left out',
    env: 'IMSTATE_SEED',
    min: 0,
    max: 2 ** 32 - 1,
    helpValue: 'N',
  }),
};

/** What `simulate` does, as flags. */
export const planFlags = {
  ...runFlags,
  duration: durationFlag({
    description: 'how long it goes on; 0s: until Ctrl-C',
    env: 'IMSTATE_DURATION',
    ...durationDefault(PLAN_DEFAULTS.durationMs),
    min: 0,
    max: MAX_DURATION_MS,
    helpValue: 'TIME',
  }),
  users: Flags.integer({
    description: 'users',
    env: 'IMSTATE_USERS',
    default: PLAN_DEFAULTS.users,
    min: 1,
    max: 200_000,
    helpValue: 'N',
  }),
  devices: Flags.integer({
    description: 'devices of a user: each has from 1 to so many',
    env: 'IMSTATE_DEVICES',
    default: PLAN_DEFAULTS.devices,
    min: 1,
    max: MAX_DEVICES,
    helpValue: 'N',
  }),
  servers: Flags.integer({
    description: 'chat servers, each with a connection and a lease of its own',
    env: 'IMSTATE_SERVERS',
    default: PLAN_DEFAULTS.servers,
    min: 1,
    max: 500,
    helpValue: 'N',
  }),
  logins: Flags.integer({
    description: 'logins a second, besides those of devices that come back after a break',
    env: 'IMSTATE_LOGINS',
    default: PLAN_DEFAULTS.logins,
    min: 1,
    max: 100_000,
    helpValue: 'N',
  }),
  queries: Flags.integer({
    description: 'users a second that somebody asks for',
    env: 'IMSTATE_QUERIES',
    default: PLAN_DEFAULTS.queries,
    min: 0,
    max: 100_000,
    helpValue: 'N',
  }),
  'session-length': durationFlag({
    description: 'how long a session lasts, on average: most are shorter, a few much longer',
    env: 'IMSTATE_SESSION_LENGTH',
    ...durationDefault(PLAN_DEFAULTS.sessionMs),
    min: 100,
    max: DAY_MS,
    helpValue: 'TIME',
  }),
  flapping: Flags.integer({
    description: 'percent of the logins whose connection breaks and comes back, up to four times',
    env: 'IMSTATE_FLAPPING',
    default: PLAN_DEFAULTS.flapping,
    min: 0,
    max: 100,
    helpValue: 'PERCENT',
  }),
  'crash-every': durationFlag({
    description:
      'a chat server crashes once in this time, on average, and is there again after some seconds; the last one never does. 0s: none',
    env: 'IMSTATE_CRASH_EVERY',
    ...durationDefault(PLAN_DEFAULTS.crashEveryMs),
    min: 0,
    max: DAY_MS,
    helpValue: 'TIME',
  }),
  prefix: Flags.string({
    description:
      'stands in front of the names of users and chat servers; of two simulations at the same time each needs one of its own',
    env: 'IMSTATE_PREFIX',
    default: PLAN_DEFAULTS.prefix,
    helpValue: 'TEXT',
    parse: async (text) => {
      if (/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/.test(text)) return text;
      throw new ImstateError(
        'WRONG_USAGE',
        '--prefix must be 1 to 32 letters, digits, dots and dashes, and begin with a letter or a digit: it is part of the addresses of chat servers',
      );
    },
  }),
  assert: textFlag({
    description: 'exit with 1 unless this is so, such as "p99<20ms,errors==0"; may be given several times',
    env: 'IMSTATE_ASSERT',
    helpValue: "'METRIC OP VALUE'",
    multiple: true,
    multipleNonGreedy: true,
  }),
  keep: Flags.boolean({
    description: 'leave everybody online at the end, for an hour, instead of logging them out',
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

/** The seed, or one that is made up: short enough to be typed again. */
export function seedOf({ seed }: { seed: number | undefined }): number {
  return seed ?? randomInt(10_000);
}

/** All that --assert demands. */
export function assertionsOf({ assert }: { assert: string[] | undefined }): Assertion[] {
  // oclif gives a list for the flag, and one text for its environment variable.
  return [assert ?? []].flat().flatMap(parseAssertions);
}
