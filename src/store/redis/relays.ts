import type { Relay, StoredRelays } from '../../presence/relays.js';
import { inByteOrder } from '../byteOrder.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';
import type { Keyed } from './shards.js';

/** The key of the relays. It is in no shard: they are about the whole store. */
export function relayKeys(keyPrefix: string): Keyed {
  return { keys: [1, `${keyPrefix}relays`] };
}

/** See PresenceStore.readRelays and scripts/readRelays.lua. */
export async function readRelays({ redis }: ShardScripts, { keys }: Keyed): Promise<StoredRelays> {
  const [nowMs, ...found] = (await redis.imReadRelays(...keys).catch(rejectRead)) as [number, ...string[]];
  const relays = found.map((json): Relay => JSON.parse(json));
  return { nowMs, relays: relays.sort((a, b) => inByteOrder(a.name, b.name)) };
}

/** See PresenceStore.writeRelay and scripts/writeRelay.lua. */
export async function writeRelay(
  scripts: ShardScripts,
  keyed: Keyed,
  name: string,
  relay: Relay | undefined,
  replaces: number,
): Promise<boolean> {
  const args = [name, replaces, relay === undefined ? '' : JSON.stringify(relay)];
  const written = await scripts.write<number>(keyed, (redis) => redis.imWriteRelay(...keyed.keys, ...args));
  return written === 1;
}
