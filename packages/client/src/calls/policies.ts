import type { PolicyLimit, SessionPolicy } from '../shared/policy.js';
import type { DeviceState, EndedSession, LoginPolicy } from './messages.js';

/** A session policy as it is stored, or a preset. */
export interface StoredPolicy extends SessionPolicy {
  /** One more with every change; 0 for a preset that is not stored. */
  version: number;
  /** The name of the identity that made the last change; undefined for a preset. */
  author: string | undefined;
}

/** The session policies of a cluster. */
export interface PolicyList {
  /** The stored ones, by name. Presets are not among them. */
  policies: StoredPolicy[];
  /** The name of the policy for logins that name none. */
  defaultPolicy: string;
  /** One more with every change of any policy and of the default. */
  revision: number;
}

/** The response to storing a policy. */
export interface PutPolicyResult {
  /** The policy as it is stored now. */
  policy: StoredPolicy;
  /** False if it was stored with the same contents already. */
  changed: boolean;
}

/** The response to a new default policy. */
export interface SetDefaultPolicyResult {
  /** The default policy now. */
  policy: StoredPolicy;
  /** The name of the default policy before. */
  previous: string;
}

/** A login to try without logging in. */
export interface ValidateLoginRequest {
  /** 1 to 256 bytes. */
  userId: string;
  /** A device that is not known yet by default. */
  deviceId?: string | undefined;
  /** Such as `ios` or `web`. None by default. */
  platform?: string | undefined;
  /** See {@link OnlineRequest.policy}; the default policy of the cluster by default. */
  policy?: LoginPolicy | undefined;
}

/** What a policy would decide about a login now. */
export interface LoginValidation {
  /** Whether the policy would reject the login. */
  rejected: boolean;
  /** The sessions that the login would end: at most 32 on other devices. */
  replaced: EndedSession[];
  /** How many more sessions it would end. */
  replacedOmitted: number;
  /** The sessions that stand in the way of a rejected login, oldest first, without metadata: at most 32. */
  conflicts: DeviceState[];
  /** How many more sessions stand in the way. */
  conflictsOmitted: number;
  /** The limit that a rejected login would exceed. */
  limit: PolicyLimit | undefined;
  /** The name of the policy that decides; undefined if it is `keep-all`. */
  policy: string | undefined;
}
