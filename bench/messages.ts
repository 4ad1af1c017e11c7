// The users of a benchmark, and encoded requests for them.
import type { ApplyResponse__Output } from '../packages/client/src/generated/imstate/v1/ApplyResponse.ts';
import type { BatchGetUsersRequest } from '../packages/client/src/generated/imstate/v1/BatchGetUsersRequest.ts';
import type { BatchGetUsersResponse__Output } from '../packages/client/src/generated/imstate/v1/BatchGetUsersResponse.ts';
import type { GetStatsResponse__Output } from '../packages/client/src/generated/imstate/v1/GetStatsResponse.ts';
import type { GetUserRequest } from '../packages/client/src/generated/imstate/v1/GetUserRequest.ts';
import type { OfflineRequest } from '../packages/client/src/generated/imstate/v1/OfflineRequest.ts';
import type { OnlineRequest } from '../packages/client/src/generated/imstate/v1/OnlineRequest.ts';
import type { Operation } from '../packages/client/src/generated/imstate/v1/Operation.ts';
import type { RouteRequest } from '../packages/client/src/generated/imstate/v1/RouteRequest.ts';
import { Codec } from '../packages/client/src/wire/codec.ts';

const codec = new Codec();

/** Paths of the RPCs. */
export const PATH = {
  online: '/imstate.v1.PresenceService/Online',
  offline: '/imstate.v1.PresenceService/Offline',
  getUser: '/imstate.v1.PresenceService/GetUser',
  batchGetUsers: '/imstate.v1.PresenceService/BatchGetUsers',
  route: '/imstate.v1.PresenceService/Route',
  apply: '/imstate.v1.PresenceService/Apply',
  watch: '/imstate.v1.PresenceService/Watch',
  keepServerAlive: '/imstate.v1.PresenceService/KeepServerAlive',
  getStats: '/imstate.v1.PresenceService/GetStats',
} as const;

/** Operations per batch of Apply. */
export const BATCH = 256;
/** Approximate number of devices per chat server. */
export const DEVICES_PER_SERVER = 100_000;

/** The users of a benchmark, each with one device, and their chat servers. */
export interface Population {
  users: number;
  servers: number;
}

/** A population with this number of users, on as many chat servers as they need. */
export function populationOf(users: number): Population {
  return { users, servers: Math.ceil(users / DEVICES_PER_SERVER) };
}

/** The id of a user: 13 characters. */
export function userId(i: number): string {
  return `user-${10_000_000 + i}`;
}

/** The address of a chat server. */
export function serverAddrOf(i: number): string {
  return `10.0.${i >> 8}.${i & 255}:9000`;
}

/** The login of a user's device, with additional fields. */
export function loginOf({ servers }: Population, i: number, more: OnlineRequest = {}): OnlineRequest {
  const serverAddr = serverAddrOf(i % servers);
  return { userId: userId(i), deviceId: 'phone', serverAddr, platform: 'ios', ...more };
}

/** The logout of a user's device, for any session. */
export function logoutOf(i: number): OfflineRequest {
  return { userId: userId(i), deviceId: 'phone' };
}

/** Encoders of requests. */
export const write = {
  online: codec.writer<OnlineRequest>('imstate.v1.OnlineRequest'),
  offline: codec.writer<OfflineRequest>('imstate.v1.OfflineRequest'),
  getUser: codec.writer<GetUserRequest>('imstate.v1.GetUserRequest'),
  route: codec.writer<RouteRequest>('imstate.v1.RouteRequest'),
  batchGetUsers: codec.writer<BatchGetUsersRequest>('imstate.v1.BatchGetUsersRequest'),
  apply: codec.writer<{ operations: Operation[] }>('imstate.v1.ApplyRequest'),
  watch: codec.writer<object>('imstate.v1.WatchRequest'),
  keepServerAlive: codec.writer<object>('imstate.v1.KeepServerAliveRequest'),
};

/** Decoders of responses. */
export const read = {
  apply: codec.reader<ApplyResponse__Output>('imstate.v1.ApplyResponse'),
  batchGetUsers: codec.reader<BatchGetUsersResponse__Output>('imstate.v1.BatchGetUsersResponse'),
  getStats: codec.reader<GetStatsResponse__Output>('imstate.v1.GetStatsResponse'),
};

/** Batches of Apply with an operation for each user, in order. */
export function* batchesOf(users: number, operationOf: (i: number) => Operation): Generator<Buffer> {
  for (let from = 0; from < users; from += BATCH) {
    const length = Math.min(BATCH, users - from);
    yield write.apply({ operations: Array.from({ length }, (_, i) => operationOf(from + i)) });
  }
}

/**
 * A check that throws if an operation failed. It decodes one of 32 responses, to keep the load generator
 * fast.
 */
export function checkResponses(): (bytes: Buffer) => void {
  let seen = 0;
  return (bytes) => {
    if (seen++ % 32 !== 0) return;
    const { results } = read.apply(bytes);
    const failed = results.find(({ error }) => error);
    if (results.length === 0 || failed) throw new Error(`Apply failed: ${JSON.stringify(failed?.error)}`);
  };
}
