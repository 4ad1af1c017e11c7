import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Cluster, Redis } from 'ioredis';
import { hasSlots, ownerOfSlot, refreshSlots } from './internals/clusterSlots.js';
import { shardOf } from './shards.js';

const SLOTS = 16_384;
/** Tries to find the node that has a shard now, and the pause after the first of them, which doubles: half a second in all. */
const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 16;
/** Refusals that say: another node has it, or none has all of it now. */
const ELSEWHERE = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;
/** Refusals by which a master answers while it moves a slot. */
const MOVING = /^(ASK|TRYAGAIN)\b/;
const HIDDEN_SLOTS =
  'this version of ioredis cannot be used with Redis Cluster: install the version that docs/dependencies.md lists';

/** A call that was sent to no node. */
export class NotSent extends Error {}

/** What a script answered, and the node that carried it out. */
export interface Answered {
  answer: unknown;
  node: Redis;
}

/**
 * Lets the scripts of a connection to a cluster go through {@link toMaster}: ioredis itself sends a command again whose connection was
 * lost, which may have been carried out.
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

/** Sends a script to the master that has the key. Where a node refused, and so changed nothing, it looks again who has it. */
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

/** host:port of the master that owns the slot of the key, as far as is known; '' if none does. */
export function ownerOf(cluster: Cluster, key: string): string {
  return ownerOfSlot(cluster, slotOf(key));
}

/** Resolves if the master that owns the key answers, also while it moves that slot; rejects with why it does not. */
export async function askMaster(cluster: Cluster, key: string): Promise<void> {
  await toMaster(cluster, key, (node) =>
    node.exists(key).catch((error) => {
      if (!MOVING.test(messageOf(error))) throw error;
    }),
  );
}

/** The master that has the key. One that is being connected would keep the call for as long as that takes. */
function readyMaster(cluster: Cluster, key: string): Redis {
  const owner = ownerOf(cluster, key);
  const node = cluster.nodes().find(({ options: { host, port } }) => `${host}:${port}` === owner);
  if (cluster.status === 'ready' && node?.status === 'ready') return node;
  if (node?.status === 'wait') node.connect().catch(() => {});
  throw new NotSent('no connection to the master of this part of the data');
}

/** As Redis Cluster has it: of the tag in braces. */
function slotOf(key: string): number {
  return shardOf(/\{([^}]+)\}/.exec(key)?.[1] ?? key, SLOTS);
}
