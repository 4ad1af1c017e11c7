/** Names of policies and of their classes, up to 64 characters. */
export const POLICY_NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

/**
 * What happens when a login would exceed a limit: the oldest sessions in its scope end, as few as necessary; or
 * all of them end; or the login is rejected and nothing changes.
 */
export type PolicyConflict = 'KICK_OLDEST' | 'KICK_ALL' | 'REJECT';

/**
 * How many sessions of a user there may be, with the login: in one class, on each platform by itself, or in all.
 * A limit concerns the logins that count towards it.
 */
export type PolicyLimit = PolicyScope & {
  /** 1 to 10,000. */
  max: number;
  onConflict: PolicyConflict;
};

/** Which sessions of a user a limit counts. */
export type PolicyScope =
  | {
      per: 'class';
      /** A class of the policy, or `other`. */
      class: string;
    }
  | { per: 'platform' | 'user' };

/** The rules of a session policy. */
export interface PolicyRules {
  /** Platforms of your own that the classes name, beside those that imstate knows. None by default. */
  platforms?: readonly string[] | undefined;
  /** The platforms of each class; platforms in none of them form the class `other`. None by default. */
  classes?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Checked in this order; at most 32. None by default. */
  limits?: readonly PolicyLimit[] | undefined;
  /**
   * Groups of classes of which only one can be online: the newer login ends the sessions of the others. None by
   * default.
   */
  exclusive?: readonly (readonly string[])[] | undefined;
}

/** A session policy: how many sessions a user may have, and what happens beyond. */
export interface Policy extends PolicyRules {
  /** 1 to 64 characters: lower-case letters, digits and hyphens. */
  name: string;
}

/** A session policy with all its rules, as daemons check and apply it. */
export interface SessionPolicy extends Policy {
  /** See {@link PolicyRules.platforms}. */
  platforms: readonly string[];
  /** See {@link PolicyRules.classes}. */
  classes: Readonly<Record<string, readonly string[]>>;
  /** See {@link PolicyRules.limits}. */
  limits: readonly PolicyLimit[];
  /** See {@link PolicyRules.exclusive}. */
  exclusive: readonly (readonly string[])[];
}
