import type { Cluster } from 'ioredis';

/** What ioredis does not document (`@ignore`). */
interface ClusterFields {
  slots?: (string[] | undefined)[];
  refreshSlotsCache?(): void;
}

/**
 * Patch of ioredis: the functions of this file read which master owns a slot, and refresh that. Scripts are
 * sent to the master itself: a Cluster resends a command whose connection was lost, although it may have been
 * executed.
 *
 * - Upstream: https://github.com/redis/ioredis/issues/61 discusses these retries;
 *   https://github.com/redis/ioredis/issues/1270 asks for the node of a key.
 * - Tested with ioredis 6.0.0.
 * - Relies on: `slots`, the names (`host:port`) of the nodes of each slot with the master first, and
 *   `refreshSlotsCache()`.
 * - Fallback: none is safe, so a store on such a Cluster does not open.
 *
 * Returns whether the Cluster has both.
 */
export function hasSlots(cluster: Cluster): boolean {
  const { slots, refreshSlotsCache } = fieldsOf(cluster);
  return Array.isArray(slots) && typeof refreshSlotsCache === 'function';
}

/** host:port of the master that owns the slot, as far as known; '' if none does. */
export function ownerOfSlot(cluster: Cluster, slot: number): string {
  return fieldsOf(cluster).slots?.[slot]?.[0] ?? '';
}

/** Asks the nodes again which of them has which slots. */
export function refreshSlots(cluster: Cluster): void {
  fieldsOf(cluster).refreshSlotsCache?.();
}

function fieldsOf(cluster: Cluster): ClusterFields {
  return cluster as ClusterFields;
}
