import type { Policy__Output, Policy as WirePolicy } from '../generated/imstate/v1/Policy.js';
import type { PolicyLimit__Output } from '../generated/imstate/v1/PolicyLimit.js';
import { ImstateError } from '../shared/errors.js';
import type { Policy, PolicyLimit, PolicyScope, SessionPolicy } from '../shared/policy.js';
import { policyConflicts, policyScopes } from './enums.js';

/** A policy as a message. Unknown words become 0, which daemons reject by the name of the field. */
export function toWirePolicy({ name, platforms, classes, limits, exclusive }: Policy): WirePolicy {
  return {
    name,
    platforms: [...(platforms ?? [])],
    classes: Object.entries(classes ?? {}).map(([name, platforms]) => ({ name, platforms: [...platforms] })),
    limits: (limits ?? []).map((limit, i) => toWireLimit(limit, `policy.limits[${i}].max`)),
    exclusive: (exclusive ?? []).map((classes) => ({ classes: [...classes] })),
  };
}

/** A limit as a message. `field` names its number. */
export function toWireLimit(limit: PolicyLimit, field = 'max'): PolicyLimit__Output {
  // The encoder would turn any other into an integer of 32 bits.
  if (!Number.isInteger(limit.max) || Math.abs(limit.max) >= 2 ** 31)
    throw new ImstateError('INVALID_ARGUMENT', `${field} must be a whole number; this one is ${limit.max}`, {
      field,
    });
  return {
    per: policyScopes.toWire(limit.per.toUpperCase() as Uppercase<PolicyScope['per']>) ?? 0,
    className: limit.per === 'class' ? limit.class : '',
    max: limit.max,
    onConflict: policyConflicts.toWire(limit.onConflict) ?? 0,
  };
}

/** The policy in a message. Words of a later version stay as `UNKNOWN`, which no check accepts. */
export function fromWirePolicy({
  name,
  platforms,
  classes,
  limits,
  exclusive,
}: Policy__Output): SessionPolicy {
  return {
    name,
    platforms,
    classes: Object.fromEntries(classes.map(({ name, platforms }) => [name, platforms])),
    limits: limits.map(fromWireLimit),
    exclusive: exclusive.map(({ classes }) => classes),
  };
}

/** The limit in a message. */
export function fromWireLimit({ per, className, max, onConflict }: PolicyLimit__Output): PolicyLimit {
  const scope = policyScopes.fromWire(per)?.toLowerCase();
  return {
    // A class with another scope stays, for a check to reject.
    ...((scope === 'class' || className !== ''
      ? { per: scope, class: className }
      : { per: scope }) as PolicyScope),
    max,
    onConflict: policyConflicts.fromWire(onConflict) as PolicyLimit['onConflict'],
  };
}
