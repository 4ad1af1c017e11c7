import type { Socket } from 'node:net';
import { formatHostPort } from 'imstate-client/internal/shared/address';
import { messageOf } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { Cluster, Redis } from 'ioredis';
import { type Connection, connectOnce, makeConnection, onConnectError } from '../store/redis/connection.js';
import { connectError } from '../store/redis/errors.js';
import { refusedDatabase } from '../store/redis/layout.js';
import { describeRedisUrl } from '../store/redis/url.js';

/** The fields of INFO. */
export type Info = Record<string, string>;

/** A node that accepts writes, or should. */
export interface Master {
  /** host:port. */
  addr: string;
  redis: Redis;
  info: Info;
}

/** A Redis that responds. */
export interface RedisNodes {
  connection: Connection;
  /** One; in a cluster all that respond. */
  masters: Master[];
  /** Messages about masters of a cluster that do not respond. */
  away: string[];
  /** Round trip of one PING to the first. Milliseconds. */
  latencyMs: number;
}

/** Connects and reads INFO of each master. Rejects with the error of `imstate serve`. */
export async function openRedis(
  url: string,
  tls: TlsFiles | undefined,
  onOpen: (connection: Connection) => void,
): Promise<RedisNodes> {
  const connection = makeConnection(url, tls);
  onOpen(connection);
  let lastError: Error | undefined;
  onConnectError(connection, (error) => {
    lastError = error;
  });
  try {
    await connectOnce(connection);
    if (connection instanceof Redis) await selectDatabase(connection, url);
    const { masters, away } = await mastersOf(connection);
    if (masters.length === 0) throw new Error(away.join('; '));
    return { connection, masters, away, latencyMs: await roundTrip((masters[0] as Master).redis) };
  } catch (error) {
    throw connectError(describeRedisUrl(url), error, lastError);
  }
}

/** ioredis itself would continue in database 0 if this is rejected. */
async function selectDatabase(redis: Redis, url: string): Promise<void> {
  await redis.select(redis.options.db as number).catch((error) => {
    throw error.name === 'ReplyError' ? refusedDatabase(redis, url, error) : error;
  });
}

async function mastersOf(connection: Connection): Promise<Pick<RedisNodes, 'masters' | 'away'>> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  const away: string[] = [];
  const masters = await Promise.all(
    nodes.map(async (redis): Promise<Master[]> => {
      const named = `${redis.options.host}:${redis.options.port}`;
      try {
        if (redis.status === 'wait') await redis.connect();
        // The options do not contain a master that Sentinels named.
        const { remoteAddress = '', remotePort = 0 } = redis.stream as Socket;
        const addr = redis.options.sentinels
          ? formatHostPort({ host: remoteAddress, port: remotePort })
          : named;
        return [{ addr, redis, info: parseInfo(await redis.info()) }];
      } catch (error) {
        if (!(connection instanceof Cluster)) throw error;
        away.push(`${named} does not answer (${messageOf(error)})`);
        return [];
      }
    }),
  );
  return { masters: masters.flat(), away };
}

async function roundTrip(redis: Redis): Promise<number> {
  await redis.ping();
  const startedAt = performance.now();
  await redis.ping();
  return Math.round((performance.now() - startedAt) * 100) / 100;
}

/** Reads "name:value" lines. */
export function parseInfo(text: string): Info {
  const pairs = text.matchAll(/^(\w+):(.*?)\r?$/gm);
  return Object.fromEntries([...pairs].map(([, name, value]) => [name as string, value as string]));
}

/** The value of a setting on each master; undefined if this user may not read it. */
export async function settingOf(masters: Master[], name: string): Promise<Map<Master, string | undefined>> {
  const asked = masters.map(async (master) => {
    const answer = (await master.redis.config('GET', name).catch(() => undefined)) as unknown;
    const value = Array.isArray(answer) ? answer[1] : (answer as Info | undefined)?.[name];
    return [master, value] as const;
  });
  return new Map(await Promise.all(asked));
}
