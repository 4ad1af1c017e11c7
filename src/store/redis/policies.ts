import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import { keepsAll } from '../../presence/policy.js';

/** Which sessions a limit counts, by the number that scripts/policy.lua takes. */
export const POLICY_SCOPES = { PER_CLASS: 1, PER_PLATFORM: 2, PER_USER: 3 } as const;
/** What happens beyond a limit. */
export const POLICY_CONFLICTS = { KICK_OLDEST: 1, KICK_ALL: 2, REJECT: 3 } as const;

const SCOPES = {
  class: POLICY_SCOPES.PER_CLASS,
  platform: POLICY_SCOPES.PER_PLATFORM,
  user: POLICY_SCOPES.PER_USER,
} as const;

/** A policy as scripts/policy.lua takes it. */
export interface CompactPolicy {
  /** Names it in the logins of a script call; of this process only. */
  readonly number: number;
  /** A JSON object. */
  readonly json: string;
}

const compact = new WeakMap<SessionPolicy, CompactPolicy>();
let lastNumber = 0;

/** The compact form of a policy; undefined if it keeps all sessions. */
export function compactPolicy(policy: SessionPolicy): CompactPolicy | undefined {
  if (keepsAll(policy)) return undefined;
  let made = compact.get(policy);
  if (made === undefined) {
    lastNumber += 1;
    made = { number: lastNumber, json: encode(policy) };
    compact.set(policy, made);
  }
  return made;
}

/** The number of a policy in a login; 0 if it keeps all sessions. */
export function numberOf(policy: SessionPolicy): number {
  return compactPolicy(policy)?.number ?? 0;
}

/** The policies of commands, for one script call; '' if there are none. */
export function encodePolicies(commands: readonly { readonly policy?: CompactPolicy | undefined }[]): string {
  let first: CompactPolicy | undefined;
  let others: Map<number, string> | undefined;
  for (const { policy } of commands) {
    if (policy === undefined || policy === first) continue;
    if (first === undefined) first = policy;
    else {
      others ??= new Map();
      others.set(policy.number, policy.json);
    }
  }
  if (first === undefined) return '';
  const all = [[first.number, first.json], ...(others ?? [])];
  return `{${all.map(([number, json]) => `"${number}":${json}`).join(',')}}`;
}

/** Classes are numbers: 0 is that of the platforms without one. */
function encode({ classes, limits, exclusive }: SessionPolicy): string {
  const numbers = new Map(Object.keys(classes).map((name, i) => [name, i + 1]));
  const numberOfClass = (name: string) => numbers.get(name) ?? 0;
  return JSON.stringify({
    classes: Object.fromEntries(
      Object.entries(classes).flatMap(([name, platforms]) =>
        platforms.map((platform) => [platform, numberOfClass(name)]),
      ),
    ),
    limits: limits.map((limit) => [
      SCOPES[limit.per],
      limit.per === 'class' ? numberOfClass(limit.class) : 0,
      limit.max,
      POLICY_CONFLICTS[limit.onConflict],
    ]),
    exclusive: exclusive.map((group) => group.map(numberOfClass)),
  });
}
