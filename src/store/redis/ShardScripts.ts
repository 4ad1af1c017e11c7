import type { StoreOptions } from '../store.js';
import type { Connection } from './connection.js';
import { storeError } from './errors.js';
import type { LoginForm } from './online.js';
import type { Replicas } from './replicas.js';
import type { ShardHealth } from './ShardHealth.js';
import type { Keyed, Shard } from './shards.js';

/** An argument of a script. */
export type ScriptArgument = string | number;

/** What a {@link ShardScripts} works with. */
export interface ShardScriptsParts {
  redis: Connection;
  replicas: Replicas;
  health: ShardHealth;
  shards: readonly Shard[];
  options: StoreOptions;
  featureLevel(): number;
}

/** The shards of an open store, and how their scripts are called. */
export class ShardScripts {
  readonly redis: Connection;
  readonly replicas: Replicas;
  readonly health: ShardHealth;
  readonly shards: readonly Shard[];
  readonly options: StoreOptions;
  readonly #featureLevel: () => number;

  constructor({ redis, replicas, health, shards, options, featureLevel }: ShardScriptsParts) {
    this.redis = redis;
    this.replicas = replicas;
    this.health = health;
    this.shards = shards;
    this.options = options;
    this.#featureLevel = featureLevel;
  }

  /** How logins are written now. */
  get loginForm(): LoginForm {
    return { maxDevices: this.options.maxDevices, featureLevel: this.#featureLevel() };
  }

  /**
   * ARGV[1] of all scripts of a shard, and of the audit trail: the fixed time of a test, or '' for the clock of
   * Redis.
   */
  now(): ScriptArgument {
    return this.options.clock?.() ?? '';
  }

  /**
   * ARGV[1..6] of the scripts that change a shard; see keys.lua, sessions.lua, history.lua and changes.lua.
   */
  settings(): ScriptArgument[] {
    const { retentionMs, historyLimit, historyRetentionMs, changeLimit, historyIp } = this.options;
    const changesOfShard = Math.ceil(changeLimit / this.shards.length);
    return [this.now(), retentionMs, historyLimit, historyRetentionMs, changesOfShard, historyIp];
  }

  /** Calls a script that changes its keys; rejects unless enough replicas have the change. */
  async write<Reply>(keyed: Keyed, send: (redis: Connection) => Promise<unknown>): Promise<Reply> {
    const { answer, notReplicated } = await this.replicas.write<Reply>(keyed, send).catch(rejectChange);
    if (notReplicated) throw notReplicated;
    return answer;
  }
}

/** Rejects with the store's error for what ioredis rejects with. */
export function rejectRead(error: unknown): never {
  throw storeError(error, false);
}

function rejectChange(error: unknown): never {
  throw storeError(error, true);
}
