import { LIMITS } from '../../../presence/limits.js';

/** The limits of a message of a method. */
export interface RequestRule {
  /** The size after decompression. */
  readonly maxBytes: number;
  /** The number of fields, including unknown ones; undefined if only the size is limited. */
  readonly maxFields?: number;
}

/**
 * Fields of a batch. The handlers check the exact number of entries. This limit is a little above theirs, and
 * keeps a message of 1 MiB from becoming half a million objects.
 */
const BATCH_FIELDS = LIMITS.page.max + 24;

const small: RequestRule = { maxBytes: LIMITS.smallMessage.max };
const open: RequestRule = { maxBytes: LIMITS.openMessage.max };
const large: RequestRule = { maxBytes: LIMITS.message.max };

const METHODS: Readonly<Record<string, RequestRule>> = {
  '/imstate.v1.PresenceService/Apply': { ...large, maxFields: BATCH_FIELDS },
  '/imstate.v1.PresenceService/Heartbeat': { ...large, maxFields: BATCH_FIELDS },
  '/imstate.v1.PresenceService/BatchGetUsers': large,
  '/imstate.v1.PresenceService/Route': large,
  '/imstate.v1.PresenceService/Watch': large,
  '/imstate.v1.PresenceService/PutPolicy': { maxBytes: LIMITS.policyMessage.max },
  // The token of a resync has a part for each shard.
  '/imstate.v1.PresenceService/KeepServerAlive': { maxBytes: LIMITS.leaseMessage.max },
};

/** Services whose messages name nothing longer than a service or a symbol. Health is open to everybody. */
const OPEN_SERVICES = /^\/grpc\./;

/** The limits of a message of a method. */
export function requestRuleOf(path: string): RequestRule {
  return METHODS[path] ?? (OPEN_SERVICES.test(path) ? open : small);
}
