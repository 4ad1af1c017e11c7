import type { ImstateError } from 'imstate-client/internal/shared/errors';
import {
  POLICY_NAME,
  type Policy,
  type PolicyLimit,
  type SessionPolicy,
} from 'imstate-client/internal/shared/policy';
import { LIMITS } from './limits.js';
import { OTHER_CLASS } from './policy.js';
import { PRESETS } from './policyPresets.js';
import { broken } from './validate.js';

/** The platforms that a policy can name without declaring them. */
const KNOWN_PLATFORMS = [
  'android',
  'android-pad',
  'desktop',
  'harmonyos',
  'ios',
  'ipad',
  'linux',
  'macos',
  'mini-program',
  'tv',
  'watch',
  'web',
  'windows',
] as const;

/** The largest `max` of a limit: that of --max-devices. */
const MAX_LIMIT = 10_000;

const CONFLICTS = ['KICK_OLDEST', 'KICK_ALL', 'REJECT'];

/** A place in a policy: keys and indexes, such as `['limits', 2, 'max']`. */
export type PolicyPath = readonly (string | number)[];

/** A path as a policy file spells it: `limits[2].max`. */
export function formatPath(path: PolicyPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/**
 * Checks the rules of a policy, and returns it with its defaults. Throws INVALID_ARGUMENT, which names the
 * field and the rule; `format` spells the field.
 */
export function checkPolicy(
  policy: Policy,
  format: (path: PolicyPath) => string = formatPath,
): SessionPolicy {
  return new PolicyCheck(format).check(policy);
}

/** Checks the name of a policy. */
export function checkPolicyName(field: string, name: string): void {
  if (name === '') throw broken(field, 'must not be empty');
  if (!POLICY_NAME.test(name))
    throw broken(
      field,
      `must be 1 to ${LIMITS.policyName.max} lower-case letters, digits and hyphens, such as one-per-class; ` +
        `this one is ${shown(name)}`,
    );
}

class PolicyCheck {
  readonly #format: (path: PolicyPath) => string;

  constructor(format: (path: PolicyPath) => string) {
    this.#format = format;
  }

  check({ name, platforms = [], classes = {}, limits = [], exclusive = [] }: Policy): SessionPolicy {
    checkPolicyName(this.#format(['name']), name);
    if (PRESETS.some((preset) => preset.name === name))
      throw this.#broken(['name'], `${shown(name)} is a preset, which never changes: choose another name`);
    this.#checkCount(['platforms'], platforms.length, LIMITS.policyPlatforms.max);
    for (const [i, platform] of platforms.entries()) this.#checkPlatform(['platforms', i], platform);
    this.#checkClasses(classes, new Set([...KNOWN_PLATFORMS, ...platforms]));
    const names = [...Object.keys(classes), OTHER_CLASS];
    this.#checkCount(['limits'], limits.length, LIMITS.policyLimits.max);
    for (const [i, limit] of limits.entries()) this.#checkLimit(i, limit, names, limits);
    this.#checkExclusive(exclusive, names);
    return { name, platforms, classes, limits, exclusive };
  }

  #checkClasses(classes: Readonly<Record<string, readonly string[]>>, known: ReadonlySet<string>): void {
    this.#checkCount(['classes'], Object.keys(classes).length, LIMITS.policyClasses.max);
    const classOf = new Map<string, string>();
    for (const [name, platforms] of Object.entries(classes)) {
      const path = ['classes', name];
      checkPolicyName(this.#format(path), name);
      if (name === OTHER_CLASS)
        throw this.#broken(path, 'is the class of all platforms without one: choose another name');
      if (platforms.length === 0) throw this.#broken(path, 'must have a platform');
      for (const [i, platform] of platforms.entries()) {
        const at = [...path, i];
        this.#checkPlatform(at, platform);
        if (!known.has(platform)) throw this.#broken(at, unknownPlatform(platform));
        const other = classOf.get(platform);
        if (other !== undefined)
          throw this.#broken(
            at,
            `"${platform}" is in the class ${other} already: a platform belongs to one class`,
          );
        classOf.set(platform, name);
      }
    }
    this.#checkCount(['classes'], classOf.size, LIMITS.policyPlatforms.max, 'platforms');
  }

  #checkPlatform(path: PolicyPath, platform: string): void {
    if (platform === '') throw this.#broken(path, 'must not be empty');
    if (Buffer.byteLength(platform) > LIMITS.platform.max)
      throw this.#broken(path, `must be at most ${LIMITS.platform.max} bytes of UTF-8`);
    if (/\p{Cc}/u.test(platform)) throw this.#broken(path, 'must not contain control characters');
  }

  #checkLimit(i: number, limit: PolicyLimit, names: readonly string[], limits: readonly PolicyLimit[]): void {
    const path: PolicyPath = ['limits', i];
    if (!['class', 'platform', 'user'].includes(limit.per))
      throw this.#broken([...path, 'per'], 'must be class, platform or user');
    const { class: className = '' } = limit as { class?: string };
    if (limit.per === 'class') this.#checkClassName([...path, 'class'], className, names);
    else if (className !== '')
      throw this.#broken([...path, 'class'], `is for per: class, not per: ${limit.per}`);
    if (!Number.isInteger(limit.max) || limit.max < 1 || limit.max > MAX_LIMIT)
      throw this.#broken(
        [...path, 'max'],
        `must be 1 to ${MAX_LIMIT.toLocaleString('en')}; this one is ${limit.max}`,
      );
    if (!CONFLICTS.includes(limit.onConflict))
      throw this.#broken([...path, 'onConflict'], `must be ${CONFLICTS.slice(0, -1).join(', ')} or REJECT`);
    const same = limits.findIndex((each) => scopeOf(each) === scopeOf(limit));
    if (same < i)
      throw this.#broken(
        path,
        `counts the same sessions as ${this.#format(['limits', same])}: keep one of them`,
      );
  }

  /** A tree of classes, so that there is one way to write each exclusion. */
  #checkExclusive(exclusive: readonly (readonly string[])[], names: readonly string[]): void {
    this.#checkCount(['exclusive'], exclusive.length, LIMITS.policyClasses.max);
    /** For each class the classes that are connected with it so far, itself included. */
    const connected = new Map(names.map((name) => [name, new Set([name])]));
    for (const [i, group] of exclusive.entries()) {
      const path = ['exclusive', i];
      if (group.length < 2) throw this.#broken(path, 'must name two classes or more');
      for (const [k, name] of group.entries()) {
        this.#checkClassName([...path, k], name, names);
        if (group.indexOf(name) < k) throw this.#broken([...path, k], `names ${name} twice`);
        const first = connected.get(group[0] as string) as Set<string>;
        const own = connected.get(name) as Set<string>;
        if (k === 0) continue;
        if (own === first)
          throw this.#broken(
            [...path, k],
            `closes a cycle: earlier groups connect ${group[0]} and ${name} already; ` +
              'write classes that all exclude each other as one group',
          );
        for (const each of own) {
          first.add(each);
          connected.set(each, first);
        }
      }
    }
  }

  #checkClassName(path: PolicyPath, name: string, names: readonly string[]): void {
    if (names.includes(name)) return;
    throw this.#broken(
      path,
      name === ''
        ? `must name a class: ${names.join(', ')}`
        : `${shown(name)} is not a class of this policy: the classes are ${names.join(', ')}`,
    );
  }

  #checkCount(path: PolicyPath, count: number, max: number, what = 'entries'): void {
    if (count > max) throw this.#broken(path, `must have at most ${max} ${what}; there are ${count}`);
  }

  #broken(path: PolicyPath, rule: string): ImstateError {
    return broken(this.#format(path), rule);
  }
}

/** A name in a message. It may be of any length. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, LIMITS.policyName.max + 1));
}

function unknownPlatform(platform: string): string {
  return (
    `"${platform}" is not a known platform: correct it, or list it under platforms; ` +
    `known are ${KNOWN_PLATFORMS.join(', ')}`
  );
}

function scopeOf(limit: PolicyLimit): string {
  return limit.per === 'class' ? `class ${limit.class}` : limit.per;
}
