import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import type { LoginPolicy } from 'imstate-client/internal/shared/session';
import type { Logger } from 'pino';
import { checkPolicyName } from '../presence/checkPolicy.js';
import { keepsAll } from '../presence/policy.js';
import { KEEP_ALL, PRESETS, REPLACE_ALL, REPLACE_SAME_PLATFORM } from '../presence/policyPresets.js';
import {
  deletePolicy,
  getPolicy,
  isLater,
  NO_POLICIES,
  type PolicySet,
  putPolicy,
  type StoredPolicy,
  setDefaultPolicy,
} from '../presence/policySet.js';
import { broken } from '../presence/validate.js';
import { POLICY_LEVEL } from '../store/featureLevel.js';
import type { PresenceStore } from '../store/store.js';

/** A quarter of the documented time within which all daemons apply a change. */
const POLL_INTERVAL_MS = 500;
/** How often a change is tried when others change the policies at the same time. */
const MAX_ATTEMPTS = 10;
/** The longest pause after the first attempt: longer than a write takes, so that daemons do not starve each other. */
const BACKOFF_MS = 20;

const OF_WORD: Readonly<Record<LoginPolicy, SessionPolicy>> = {
  KEEP_ALL,
  REPLACE_SAME_PLATFORM,
  REPLACE_ALL,
};

/** Which policy a login asks for. */
export interface PolicyChoice {
  /** The name of a policy; '' for none. */
  name: string;
  /** The `login_policy`; undefined for none. */
  word: LoginPolicy | undefined;
}

type Store = Pick<PresenceStore, 'readPolicies' | 'writePolicies' | 'featureLevel'>;

/**
 * The session policies of the store, as this daemon knows them: it reads them again twice a second. If the store
 * has lost them, or changes of them, the daemon writes back what it knows: of several daemons that do so, the
 * one with the latest revision wins.
 */
export class Policies {
  readonly #store: Store;
  readonly #log: Logger;
  #set = NO_POLICIES;
  #byName = byName(NO_POLICIES);
  /** Never rejects. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** See PolicySet. */
  get revision(): number {
    return this.#set.revision;
  }

  get defaultPolicy(): string {
    return this.#set.defaultPolicy;
  }

  /** The stored policies, by name. */
  get stored(): readonly StoredPolicy[] {
    return this.#set.policies;
  }

  /** A stored policy or a preset. Throws NOT_FOUND. */
  get(name: string): StoredPolicy {
    return getPolicy(this.#set, name);
  }

  /**
   * The policy for a login. Throws INVALID_ARGUMENT if there is none of the name, and PERMISSION_DENIED if the
   * caller would bypass a stricter default without being an admin.
   */
  choose({ name, word }: PolicyChoice, isAdmin: boolean): SessionPolicy {
    if (name !== '' && word !== undefined)
      throw broken('policy', 'and login_policy exclude each other: leave one of them out');
    if (name !== '') checkPolicyName('policy', name);
    const byDefault = this.#named(this.#set.defaultPolicy);
    if (name === '' && word === undefined) return byDefault ?? KEEP_ALL;
    const policy = word ? OF_WORD[word] : this.#named(name);
    if (policy === undefined)
      throw broken(
        'policy',
        `${JSON.stringify(name)} is not a policy: imstate policy list shows the stored ones, and ` +
          'imstate policy presets the presets',
      );
    const isBypass = keepsAll(policy) && byDefault !== undefined && !keepsAll(byDefault);
    if (isBypass && !isAdmin && !this.#set.policies.includes(policy as StoredPolicy))
      throw new ImstateError(
        'PERMISSION_DENIED',
        `${policy.name} bypasses the default policy ${byDefault.name}, which needs the role admin: ` +
          'leave the policy of the login out',
      );
    return policy;
  }

  /** Reads the policies for the first time. Rejects as the store does. */
  async open(): Promise<void> {
    await this.#reconcile();
  }

  /** Follows the policies of the store until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    let hasFailed = false;
    while (await delay(POLL_INTERVAL_MS, true, { signal }).catch(() => false)) {
      try {
        await this.#reconcile();
        hasFailed = false;
      } catch (error) {
        if (!hasFailed)
          this.#log.warn({ reason: messageOf(error) }, 'session policies could not be read: retrying');
        hasFailed = true;
      }
    }
  }

  /** Stores a checked policy; resolves with it, and whether that changed anything. */
  async put(policy: SessionPolicy, author: string): Promise<{ policy: StoredPolicy; changed: boolean }> {
    const { before, made } = await this.#change((set) => putPolicy(set, policy, author));
    return { policy: made.policy, changed: made.set !== before };
  }

  /** Removes a stored policy. */
  async delete(name: string): Promise<void> {
    await this.#change((set) => ({ set: deletePolicy(set, name) }));
  }

  /** Chooses the default policy; resolves with it, and the name of the one before. */
  async setDefault(name: string, author: string): Promise<{ policy: StoredPolicy; previous: string }> {
    if (name !== KEEP_ALL.name && this.#store.featureLevel < POLICY_LEVEL) throw upgradeFirst();
    const { before, made } = await this.#change((set) => setDefaultPolicy(set, name, author));
    return { policy: made.policy, previous: before.defaultPolicy };
  }

  /** Changes the policies as they are now, after the changes that this daemon is making. */
  #change<Made extends { set: PolicySet }>(
    change: (set: PolicySet) => Made,
  ): Promise<{ before: PolicySet; made: Made }> {
    const changed = this.#lastChange.then(() => this.#changeOnce(change));
    this.#lastChange = changed.catch(() => {});
    return changed;
  }

  /** Another daemon may change the policies at the same time. */
  async #changeOnce<Made extends { set: PolicySet }>(
    change: (set: PolicySet) => Made,
  ): Promise<{ before: PolicySet; made: Made }> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      await this.#reconcile();
      const before = this.#set;
      const made = change(before);
      if (made.set === before || (await this.#store.writePolicies(made.set, before.id))) {
        this.#adopt(made.set);
        return { before, made };
      }
      await delay(Math.random() * BACKOFF_MS * (attempts + 1));
    }
    throw new ImstateError(
      'UNAVAILABLE',
      'others keep changing the policies, and nothing was changed: try again',
    );
  }

  /** Brings this daemon and the store to the same policies: the later ones. */
  async #reconcile(): Promise<void> {
    const known = this.#set;
    const read = await this.#store.readPolicies(known.id);
    // A change of this daemon may have come in between.
    if (read === undefined || this.#set !== known) return;
    if (!isLater(known, read)) this.#adopt(read);
    else if (await this.#store.writePolicies(known, read.id))
      this.#log.warn(
        { revision: known.revision, lostAfter: read.revision },
        'session policies restored in the store',
      );
  }

  #adopt(set: PolicySet): void {
    if (set === this.#set) return;
    this.#set = set;
    this.#byName = byName(set);
    const { revision, defaultPolicy } = set;
    this.#log.info({ revision, defaultPolicy, policies: set.policies.length }, 'session policies changed');
  }

  #named(name: string): SessionPolicy | undefined {
    return this.#byName.get(name);
  }
}

/** Stored policies come before presets of the same name. */
function byName({ policies }: PolicySet): ReadonlyMap<string, SessionPolicy> {
  return new Map([...PRESETS, ...policies].map((policy) => [policy.name, policy]));
}

function upgradeFirst(): ImstateError {
  const message =
    'a default policy needs the upgrade to be finished, because daemons of version 0.1.0 would ignore it; ' +
    'nothing was changed: run imstate upgrade finish once all daemons are upgraded';
  return new ImstateError('FAILED_PRECONDITION', message);
}
