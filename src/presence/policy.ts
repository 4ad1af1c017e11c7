import type { PolicyConflict, PolicyLimit, SessionPolicy } from 'imstate-client/internal/shared/policy';

/** The class of the platforms that a policy names in no class. */
export const OTHER_CLASS = 'other';

/** A session, as far as a policy is concerned. */
export interface CountedSession {
  readonly deviceId: string;
  readonly platform: string;
  /** Milliseconds since 1970. */
  readonly loginTimeMs: number;
}

/** What a policy decides about a login. */
export interface Decision<Counted extends CountedSession> {
  /** The sessions that the login ends; none if it is rejected. */
  ended: Counted[];
  /** Undefined if the login is accepted. */
  rejection: { limit: PolicyLimit /** Oldest first. */; conflicts: Counted[] } | undefined;
}

/** The class to which a platform belongs. Platforms are compared byte for byte. */
export function classOf(policy: SessionPolicy, platform: string): string {
  return platformClasses(policy).get(platform) ?? OTHER_CLASS;
}

/** The classes by platform; without those of the class "other". */
function platformClasses({ classes }: SessionPolicy): ReadonlyMap<string, string> {
  return new Map(Object.entries(classes).flatMap(([name, each]) => each.map((platform) => [platform, name])));
}

/** The class in which a login counts; undefined if the policy has no classes. */
export function classOfLogin(policy: SessionPolicy, platform: string): string | undefined {
  return Object.keys(policy.classes).length === 0 ? undefined : classOf(policy, platform);
}

/** True if the policy never ends a session and never rejects a login. */
export function keepsAll({ limits, exclusive }: SessionPolicy): boolean {
  return limits.length === 0 && exclusive.length === 0;
}

/**
 * Decides about a login on a platform; `others` are the sessions on the user's other devices that last. First
 * the sessions of excluded classes end, then the limits are checked in order. A limit that does not count the
 * login leaves the sessions that it counts alone, even if they are too many: they began under other rules.
 *
 * Same rules: scripts/policy.lua.
 */
export function decideLogin<Counted extends CountedSession>(
  policy: SessionPolicy,
  platform: string,
  others: readonly Counted[],
): Decision<Counted> {
  const ownClass = classOf(policy, platform);
  const excluded = excludedBy(policy, ownClass);
  const classes = platformClasses(policy);
  const classOfOther = ({ platform: other }: Counted) => classes.get(other) ?? OTHER_CLASS;
  const ended: Counted[] = [];
  let left: Counted[] = [];
  for (const other of [...others].sort(oldestFirst))
    (excluded.has(classOfOther(other)) ? ended : left).push(other);
  for (const limit of policy.limits) {
    if (limit.per === 'class' && limit.class !== ownClass) continue;
    const inScope = left.filter(
      (other) =>
        limit.per === 'user' ||
        (limit.per === 'platform' ? other.platform === platform : classOfOther(other) === ownClass),
    );
    if (inScope.length < limit.max) continue;
    if (limit.onConflict === 'REJECT') return { ended: [], rejection: { limit, conflicts: inScope } };
    const kicked = new Set(inScope.slice(0, kickedOf(limit.onConflict, inScope.length, limit.max)));
    ended.push(...kicked);
    left = left.filter((other) => !kicked.has(other));
  }
  return { ended, rejection: undefined };
}

/** How many of the sessions in a scope end, the oldest first, so that a login fits in. */
function kickedOf(onConflict: PolicyConflict, inScope: number, max: number): number {
  return onConflict === 'KICK_ALL' ? inScope : inScope + 1 - max;
}

/** The classes that cannot be online together with a class. */
function excludedBy({ exclusive }: SessionPolicy, ownClass: string): Set<string> {
  const groups = exclusive.filter((group) => group.includes(ownClass));
  return new Set(groups.flat().filter((name) => name !== ownClass));
}

/** The device id is the tie-breaker. */
function oldestFirst(a: CountedSession, b: CountedSession): number {
  return a.loginTimeMs - b.loginTimeMs || (a.deviceId < b.deviceId ? -1 : 1);
}

/** A limit as half a sentence: `at most 2 sessions of class mobile`. */
export function describeLimit(limit: PolicyLimit): string {
  const sessions = `at most ${limit.max} ${limit.max === 1 ? 'session' : 'sessions'}`;
  if (limit.per === 'class') return `${sessions} of class ${limit.class}`;
  return limit.per === 'platform' ? `${sessions} on each platform` : `${sessions} in all`;
}
