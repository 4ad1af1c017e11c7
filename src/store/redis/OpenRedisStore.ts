import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { StoreOptions } from '../store.js';
import { ApplyCalls } from './apply.js';
import { type Connection, makeSubscriber } from './connection.js';
import { policyKeys } from './policySet.js';
import { RedisChangeLog } from './RedisChangeLog.js';
import { auditKeys } from './recordAudit.js';
import { relayKeys } from './relays.js';
import { Replicas } from './replicas.js';
import { ShardHealth } from './ShardHealth.js';
import { ShardScripts } from './ShardScripts.js';
import { ServerList } from './servers.js';
import { type Keyed, makeShards } from './shards.js';
import { StatsReader } from './stats.js';
import { parseRedisUrl } from './url.js';

/** What a store in Redis takes beside the common options. */
export interface RedisStoreOptions extends StoreOptions {
  /** See parseRedisUrl. */
  url: string;
  /** For rediss://; by default the CAs that Node.js trusts, and no client certificate. */
  tls?: TlsFiles | undefined;
  /** Prefix of every key. */
  keyPrefix: string;
  /**
   * How many shards to create at first use; later, how many the store must have. Undefined accepts any
   * number.
   */
  shards: number | undefined;
  /** How many replicas must have a change before it is acknowledged; by default none. */
  waitReplicas?: number | undefined;
}

/** What the parts of an open store see of it, as it is now. */
export interface StoreState {
  /** See ShardHealth. */
  fault(): ImstateError | undefined;
  /** See PresenceStore.featureLevel. */
  featureLevel(): number;
}

/** The parts of a store in Redis, once its number of shards is known. */
export class OpenRedisStore {
  readonly scripts: ShardScripts;
  readonly calls: ApplyCalls;
  readonly changeLog: RedisChangeLog;
  readonly servers: ServerList;
  readonly stats: StatsReader;
  /** The key of the audit trail. */
  readonly audit: Keyed;
  /** The key of the session policies. */
  readonly policies: Keyed;
  /** The key of the relays. */
  readonly relays: Keyed;

  constructor(redis: Connection, options: RedisStoreOptions, shardCount: number, state: StoreState) {
    const { url, tls, keyPrefix, waitReplicas = 0 } = options;
    const shards = makeShards(keyPrefix, shardCount);
    const replicas = new Replicas(redis, waitReplicas);
    const health = new ShardHealth(redis, shards, state.fault);
    this.scripts = new ShardScripts({
      redis,
      replicas,
      health,
      shards,
      options,
      featureLevel: state.featureLevel,
    });
    this.calls = new ApplyCalls(this.scripts);
    this.servers = new ServerList(this.scripts);
    this.stats = new StatsReader(this.scripts);
    this.audit = auditKeys(keyPrefix);
    this.policies = policyKeys(keyPrefix);
    this.relays = relayKeys(keyPrefix);
    this.changeLog = new RedisChangeLog({
      scripts: this.scripts,
      calls: this.calls,
      channels: { shards: `${keyPrefix}bell`, changes: `${keyPrefix}changes:${parseRedisUrl(url).db}` },
      makeSubscriber: () => makeSubscriber(url, tls),
    });
  }
}
