import { AUDIT_REPEATS, MAX_AUDIT_PAGE } from '../../presence/audit.js';
import { NETWORK_BYTES } from '../../presence/details.js';
import { FIELD_TAGS } from '../../presence/fields.js';
import { END_REASONS, RECORD_FLAGS } from '../../presence/record.js';
import { DEFAULT_LEASE_MS, LAST_SEEN_ENTRIES, REMEMBERED_SESSIONS } from '../../presence/rules.js';
import { MAX_NAMED } from '../../presence/sessions.js';
import { MAX_PLATFORMS, OTHER_PLATFORM } from '../../presence/stats.js';
import { WORK } from '../work.js';
import { POLICY_CONFLICTS, POLICY_SCOPES } from './policies.js';

/** How many buckets of a shard hold the sessions of a chat server. */
export const BUCKETS = 64;

/** The operations of scripts/apply.lua, by the letter with which each begins. */
export const OPERATION = {
  OP_ONLINE: '+',
  OP_OFFLINE: '-',
  OP_HEARTBEAT: 'h',
  OP_EVICT: 'e',
  OP_VALIDATE: 'v',
  OP_READ_DEVICE: 'd',
  OP_READ_USER: 'u',
  OP_READ_USER_SEEN: 's',
  OP_READ_USER_AT: 'a',
  /** Does nothing. */
  OP_SKIP: 'n',
  /** Continues an operation from a cursor. */
  OP_CONTINUE: '>',
} as const;

/** Control characters occur in no argument. */
export const END_OF_ARGUMENT = '\x1f';
export const END_OF_OPERATION = '\x1e';
/** Precedes each field in the last argument of a login. */
export const FIELD_MARK = '\x1d';

/**
 * Patterns of Lua for operations and their arguments. Here, because scripts would build them in every call.
 */
const PATTERNS = {
  EACH_OPERATION: `([^${END_OF_OPERATION}]*)${END_OF_OPERATION}`,
  LOGIN_ARGUMENTS: withArguments(11),
  TRIAL_ARGUMENTS: withArguments(5),
  LOGOUT_ARGUMENTS: withArguments(4),
  SESSION_ARGUMENTS: withArguments(3),
  EVICT_ARGUMENTS: withArguments(4),
  DEVICE_ARGUMENTS: withArguments(2),
  REST_ARGUMENT: `^([^${FIELD_MARK}]*)(.*)$`,
  FIELD_ARGUMENT: `${FIELD_MARK}(.)([^${FIELD_MARK}]*)`,
  CONTINUED_OPERATION: `^.([^${END_OF_ARGUMENT}]*)${END_OF_ARGUMENT}(.*)$`,
};

/** In the reply to a login, instead of an end reason: the user has too many devices online. */
export const TOO_MANY_DEVICES = 255;
/** The same: the policy rejected the login. */
export const REJECTED = 254;

/** A count of devices has at most so many digits; a packed session has more bytes. */
const MAX_COUNT_BYTES = 12;

/** After how long an erasure that does not continue makes room for another. Milliseconds. */
const ERASE_LOCK_MS = 5_000;

/** What a change in the change log says. */
export const CHANGE_FLAGS = {
  WAS_ONLINE: 1,
  BEGAN: 2,
  ENDED: 4,
  FIELDS: 8,
  REASON_TEXT: 16,
  BY: 32,
} as const;

/** Metadata of a record that has fields and no metadata: see src/presence/record.ts. */
export const NO_METADATA = '{}';

/** The values that the scripts share with TypeScript, by their names in Lua. */
export const SCRIPT_CONSTANTS: Readonly<Record<string, string | number>> = {
  ...withPrefix('FLAG_', RECORD_FLAGS),
  ...withPrefix('FIELD_', FIELD_TAGS),
  ...withPrefix('NETWORK_BYTES_', NETWORK_BYTES),
  PACKED_NO_METADATA: `\0${String.fromCharCode(NO_METADATA.length)}${NO_METADATA}`,
  ...numbered(END_REASONS),
  ...POLICY_SCOPES,
  ...POLICY_CONFLICTS,
  ...charCodes(OPERATION),
  ...PATTERNS,
  TOO_MANY_DEVICES,
  REJECTED,
  MAX_NAMED,
  MAX_COUNT_BYTES,
  ...withPrefix('CHANGE_', CHANGE_FLAGS),
  BUCKETS,
  ERASE_LOCK_MS,
  DEFAULT_LEASE_MS,
  REMEMBERED_SESSIONS,
  LAST_SEEN_ENTRIES,
  MAX_PLATFORMS,
  OTHER_PLATFORM,
  MAX_WORK: WORK.max,
  OPERATION_WORK: WORK.operation,
  CHECK_WORK: WORK.check,
  END_WORK: WORK.end,
  MAX_PART: WORK.part,
  MAX_ENDS: WORK.ends,
  LOGIN_ENDS_DIVISOR: WORK.loginEndsDivisor,
  MAX_LOGIN_ENDS: WORK.maxLoginEnds,
  AUDIT_REPEATS,
  MAX_AUDIT_PAGE,
};

/**
 * Replaces the names of constants in a script by their values. Not variables: a script may have at most 200, and
 * would set all of them in every call.
 */
export function inlineConstants(
  script: string,
  constants: Readonly<Record<string, string | number>>,
): string {
  return script.replace(/\b[A-Z][A-Z0-9_]*\b/g, (name) => {
    const value = Object.hasOwn(constants, name) ? constants[name] : undefined;
    return value === undefined ? name : toLua(value);
  });
}

function toLua(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const escaped = value.replace(
    /[^ -&(-[\]-~]/g,
    (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`,
  );
  return `'${escaped}'`;
}

/** The pattern of an operation with this many arguments. */
function withArguments(count: number): string {
  return `^.${`([^${END_OF_ARGUMENT}]*)${END_OF_ARGUMENT}`.repeat(count)}$`;
}

function charCodes(letters: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(letters).map(([name, letter]) => [name, letter.charCodeAt(0)]));
}

function withPrefix<Value>(prefix: string, constants: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(constants).map(([name, value]) => [prefix + name, value]));
}

/** The names of a list, each with its index. */
function numbered(names: readonly (string | undefined)[]): Record<string, number> {
  return Object.fromEntries(names.flatMap((name, index) => (name === undefined ? [] : [[name, index]])));
}
