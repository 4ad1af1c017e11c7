import { AuditOutcome as WireAuditOutcome } from '../generated/imstate/v1/AuditOutcome.js';
import { AuditVia as WireAuditVia } from '../generated/imstate/v1/AuditVia.js';
import { EndReason as WireEndReason } from '../generated/imstate/v1/EndReason.js';
import { IdentityKind as WireIdentityKind } from '../generated/imstate/v1/IdentityKind.js';
import { LeaseState as WireLeaseState } from '../generated/imstate/v1/LeaseState.js';
import { LoginPolicy as WireLoginPolicy } from '../generated/imstate/v1/LoginPolicy.js';
import { PolicyConflict as WirePolicyConflict } from '../generated/imstate/v1/PolicyConflict.js';
import { PolicyScope as WirePolicyScope } from '../generated/imstate/v1/PolicyScope.js';
import { RelayState as WireRelayState } from '../generated/imstate/v1/RelayState.js';
import type { AuditOutcome, AuditVia, IdentityKind } from '../shared/audit.js';
import { ImstateError } from '../shared/errors.js';
import type { PolicyConflict, PolicyScope } from '../shared/policy.js';
import type { RelayState } from '../shared/relay.js';
import type { EndReason, Lease, LoginPolicy } from '../shared/session.js';

/** The words of one enum and their numbers on the wire, where 0 is none. */
class WireEnum<Word extends string, Wire extends number> {
  readonly #numbers: Record<Word, Wire>;
  readonly #words: (Word | undefined)[] = [];

  constructor(numbers: Record<Word, Wire>) {
    this.#numbers = numbers;
    for (const [word, wire] of Object.entries<Wire>(numbers)) this.#words[wire] = word as Word;
  }

  toWire(word: Word | undefined): Wire | 0 {
    return word === undefined ? 0 : this.#numbers[word];
  }

  /** Undefined for none; UNKNOWN for a number of a later version. */
  fromWire(wire: number): Word | 'UNKNOWN' | undefined {
    return wire === 0 ? undefined : (this.#words[wire] ?? 'UNKNOWN');
  }

  /** The word for either spelling, REPLACE_ALL or replace-all. Throws INVALID_ARGUMENT for anything else. */
  parse(field: string, given: unknown): Word {
    const word = typeof given === 'string' ? given.replaceAll('-', '_').toUpperCase() : '';
    const isSpelled = given === word || given === kebab(word);
    if (isSpelled && Object.hasOwn(this.#numbers, word)) return word as Word;
    const words = Object.keys(this.#numbers).map(kebab).join(', ');
    throw new ImstateError(
      'INVALID_ARGUMENT',
      `${field} must be one of ${words}; this one is ${shown(given)}`,
      { field },
    );
  }

  /** Both spellings of all words, with those of the command line first. */
  get spellings(): string[] {
    const words = Object.keys(this.#numbers);
    return [...words.map(kebab), ...words];
  }
}

function kebab(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Why a session ended, or why the login of one was rejected. */
export const endReasons = new WireEnum<EndReason | 'REJECTED', WireEndReason & number>({
  LOGOUT: WireEndReason.END_REASON_LOGOUT,
  REPLACED: WireEndReason.END_REASON_REPLACED,
  EXPIRED: WireEndReason.END_REASON_EXPIRED,
  SERVER_LOST: WireEndReason.END_REASON_SERVER_LOST,
  EVICTED: WireEndReason.END_REASON_EVICTED,
  REJECTED: WireEndReason.END_REASON_REJECTED,
});

/** What a relay does. */
export const relayStates = new WireEnum<RelayState, WireRelayState & number>({
  STOPPED: WireRelayState.RELAY_STATE_STOPPED,
  RUNNING: WireRelayState.RELAY_STATE_RUNNING,
  PAUSED: WireRelayState.RELAY_STATE_PAUSED,
});

/** Which other sessions of the user a login ends. */
export const loginPolicies = new WireEnum<LoginPolicy, WireLoginPolicy & number>({
  KEEP_ALL: WireLoginPolicy.LOGIN_POLICY_KEEP_ALL,
  REPLACE_SAME_PLATFORM: WireLoginPolicy.LOGIN_POLICY_REPLACE_SAME_PLATFORM,
  REPLACE_ALL: WireLoginPolicy.LOGIN_POLICY_REPLACE_ALL,
});

/** Which sessions a limit of a policy counts. */
export const policyScopes = new WireEnum<Uppercase<PolicyScope['per']>, WirePolicyScope & number>({
  CLASS: WirePolicyScope.POLICY_SCOPE_CLASS,
  PLATFORM: WirePolicyScope.POLICY_SCOPE_PLATFORM,
  USER: WirePolicyScope.POLICY_SCOPE_USER,
});

/** What happens when a login would exceed a limit. */
export const policyConflicts = new WireEnum<PolicyConflict, WirePolicyConflict & number>({
  KICK_OLDEST: WirePolicyConflict.POLICY_CONFLICT_KICK_OLDEST,
  KICK_ALL: WirePolicyConflict.POLICY_CONFLICT_KICK_ALL,
  REJECT: WirePolicyConflict.POLICY_CONFLICT_REJECT,
});

/** The states of the lease of a chat server. */
export const leaseStates = new WireEnum<Lease['state'], WireLeaseState & number>({
  ALIVE: WireLeaseState.LEASE_STATE_ALIVE,
  RESYNC: WireLeaseState.LEASE_STATE_RESYNC,
  LOST: WireLeaseState.LEASE_STATE_LOST,
  DRAINING: WireLeaseState.LEASE_STATE_DRAINING,
});

/** How administrative acts ended. */
export const auditOutcomes = new WireEnum<AuditOutcome, WireAuditOutcome & number>({
  OK: WireAuditOutcome.AUDIT_OUTCOME_OK,
  DENIED: WireAuditOutcome.AUDIT_OUTCOME_DENIED,
  FAILED: WireAuditOutcome.AUDIT_OUTCOME_FAILED,
});

/** How administrative acts reached a daemon. */
export const auditVias = new WireEnum<AuditVia, WireAuditVia & number>({
  GRPC: WireAuditVia.AUDIT_VIA_GRPC,
  HTTP: WireAuditVia.AUDIT_VIA_HTTP,
  FILE: WireAuditVia.AUDIT_VIA_FILE,
  SIGNAL: WireAuditVia.AUDIT_VIA_SIGNAL,
});

/** How callers of administrative acts proved their identity. */
export const identityKinds = new WireEnum<IdentityKind, WireIdentityKind & number>({
  TOKEN: WireIdentityKind.IDENTITY_KIND_TOKEN,
  JWT: WireIdentityKind.IDENTITY_KIND_JWT,
  CERTIFICATE: WireIdentityKind.IDENTITY_KIND_CERTIFICATE,
  ANONYMOUS: WireIdentityKind.IDENTITY_KIND_ANONYMOUS,
  UNAUTHENTICATED: WireIdentityKind.IDENTITY_KIND_UNAUTHENTICATED,
  HOST: WireIdentityKind.IDENTITY_KIND_HOST,
});
