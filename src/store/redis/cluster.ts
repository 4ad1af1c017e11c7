import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Cluster, Redis } from 'ioredis';
import { hasSlots, ownerOfSlot, refreshSlots } from './internals/clusterSlots.js';
import { shardOf } from './shards.js';

const SLOTS = 16_384;
/**
 * How often to look for the node that has a shard, and the first pause, which doubles: half a second in
 * total.
 */
const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 16;
/** Errors that mean: another node has it, or none has all of it now. */
const ELSEWHERE = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;
/** Errors of a master that moves a slot. */
const MOVING = /^(ASK|TRYAGAIN)\b/;
const HIDDEN_SLOTS =
  'this version of ioredis cannot be used with Redis Cluster: install the version that docs/dependencies.md lists';

/** The call was not sent to any node. */
export class NotSent extends Error {}

/** The reply of a script, and the node that ran it. */
export interface Answered {
  answer: unknown;
  node: Redis;
}

/**
 * Sends the scripts of a connection to a cluster through {@link toMaster}: ioredis itself resends a command
 * whose connection was lost, although it may have been executed.
 */
export function routeScripts(cluster: Cluster, names: string[]): void {
  if (!hasSlots(cluster)) throw new ImstateError('STORE_UNAVAILABLE', HIDDEN_SLOTS);
  for (const name of names.flatMap((each) => [each, `${each}Buffer`])) {
    const run = async (keys: number, key: string, ...args: unknown[]) => {
      const send = (node: Redis) => scriptsOf(node)[name]?.(keys, key, ...args) as Promise<unknown>;
      return (await toMaster(cluster, key, send)).answer;
    };
    Object.assign(cluster, { [name]: run });
  }
}

function scriptsOf(node: Redis): Record<string, (...args: unknown[]) => unknown> {
  return node as unknown as Record<string, (...args: unknown[]) => unknown>;
}

/**
 * Sends a script to the master that has the key. If a node rejects it, and so changed nothing, it looks again
 * for the master.
 */
export async function toMaster(
  cluster: Cluster,
  key: string,
  send: (node: Redis) => Promise<unknown>,
): Promise<Answered> {
  for (let tries = 1; ; tries++) {
    try {
      const node = readyMaster(cluster, key);
      return { answer: await send(node), node };
    } catch (error) {
      const mayPass = error instanceof NotSent || ELSEWHERE.test(messageOf(error));
      if (!mayPass || tries === MAX_TRIES || cluster.status !== 'ready') throw error;
    }
    refreshSlots(cluster);
    await delay(FIRST_PAUSE_MS * 2 ** (tries - 1));
  }
}

/** host:port of the master that owns the slot of the key, as far as known; '' if none does. */
export function ownerOf(cluster: Cluster, key: string): string {
  return ownerOfSlot(cluster, slotOf(key));
}

/**
 * Resolves if the master that owns the key answers, even while it moves that slot; rejects with the reason
 * otherwise.
 */
export async function askMaster(cluster: Cluster, key: string): Promise<void> {
  await toMaster(cluster, key, (node) =>
    node.exists(key).catch((error) => {
      if (!MOVING.test(messageOf(error))) throw error;
    }),
  );
}

/** The master that has the key, if it is connected: otherwise ioredis would hold the call until it is. */
function readyMaster(cluster: Cluster, key: string): Redis {
  const owner = ownerOf(cluster, key);
  const node = cluster.nodes().find(({ options: { host, port } }) => `${host}:${port}` === owner);
  if (cluster.status === 'ready' && node?.status === 'ready') return node;
  if (node?.status === 'wait') node.connect().catch(() => {});
  throw new NotSent('no connection to the master of this part of the data');
}

/** As Redis Cluster computes it: from the tag in braces. */
function slotOf(key: string): number {
  return shardOf(/\{([^}]+)\}/.exec(key)?.[1] ?? key, SLOTS);
}
