/** The keys of a script: how many they are, and the first of them, whose slot all have. */
export interface Keyed {
  readonly keys: readonly [count: number, key: string, ...others: string[]];
}

/** The keys of one shard; the tag in braces keeps them in one slot of Redis Cluster. See scripts/keys.lua. */
export interface Shard extends Keyed {
  /**
   * The first arguments of every script of the shard: how many keys follow; the sorted set of deadlines, from
   * whose name scripts derive the other keys; and a key that never exists. While a cluster moves the slot,
   * each node has some of the keys, and a script would take the others for missing. Redis rejects it if a key
   * that is named here is away.
   */
  readonly keys: readonly [count: 2, deadlines: string, absent: string];
}

/** The keys of each shard, in order. `keyPrefix` is "im:" by default. */
export function makeShards(keyPrefix: string, count: number): Shard[] {
  return Array.from({ length: count }, (_, index) => ({
    keys: [2, `${keyPrefix}{${index}}:x`, `${keyPrefix}{${index}}:none`],
  }));
}

/** The shard of a user: CRC16 (XMODEM, as in Redis Cluster) of the UTF-8 id, modulo the number of shards. */
export function shardOf(userId: string, count: number): number {
  let crc = 0;
  for (let i = 0; i < userId.length; i++) {
    const code = userId.charCodeAt(i);
    if (code > 0x7f) return crc16(Buffer.from(userId)) % count;
    crc = step(crc, code);
  }
  return crc % count;
}

function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) crc = step(crc, byte);
  return crc;
}

function step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] as number);
}

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});
