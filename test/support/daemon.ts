import { randomUUID } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { type Daemon, type DaemonOptions, startDaemon } from '../../src/daemon/startDaemon.ts';
import type { GetUserRequest } from '../../src/generated/imstate/v1/GetUserRequest.ts';
import type { GetUserResponse__Output } from '../../src/generated/imstate/v1/GetUserResponse.ts';
import type { OfflineRequest } from '../../src/generated/imstate/v1/OfflineRequest.ts';
import type { OfflineResponse__Output } from '../../src/generated/imstate/v1/OfflineResponse.ts';
import type { OnlineRequest } from '../../src/generated/imstate/v1/OnlineRequest.ts';
import type { OnlineResponse__Output } from '../../src/generated/imstate/v1/OnlineResponse.ts';
import type { OfflineRequest as PbOfflineRequest } from '../../src/generated/pb/OfflineRequest.ts';
import type { OnlineRequest as PbOnlineRequest } from '../../src/generated/pb/OnlineRequest.ts';
import type { QueryUserStatusRequest } from '../../src/generated/pb/QueryUserStatusRequest.ts';
import type { QueryUserStatusResponse__Output } from '../../src/generated/pb/QueryUserStatusResponse.ts';
import { loadProtos } from '../../src/wire/protos.ts';
import { temporaryFolder } from './servers.ts';

/** A daemon in this process, on a free port and a folder of its own. */
export interface TestDaemon extends Daemon {
  dataDir: string;
  /** What it logged. */
  logged: string[];
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** Starts a daemon; embedded unless the overrides name a Redis. */
export async function startTestDaemon(overrides: Partial<DaemonOptions> = {}): Promise<TestDaemon> {
  const folder = await temporaryFolder();
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => void logged.push(line) });
  try {
    const daemon = await startDaemon({ ...daemonOptions(folder.path), log, ...overrides });
    return Object.assign(daemon, {
      ...{ dataDir: overrides.dataDir ?? folder.path, logged },
      remove: async () => {
        await daemon.stop();
        await folder.remove();
      },
    });
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

/** Options of an embedded daemon; a Redis it is given is used under a prefix of its own. */
function daemonOptions(dataDir: string): DaemonOptions {
  return {
    ...{ addr: '127.0.0.1', port: 0, advertise: undefined, dataDir },
    ...{ redis: undefined, keyPrefix: `test-${randomUUID()}:`, shards: undefined, retentionMs: 180_000 },
    ...{ historyLimit: 100, historyRetentionMs: 86_400_000 },
    ...{ etcd: undefined, service: 'im/state-server', leaseTtlMs: 2_000 },
    ...{ startTimeoutMs: 15_000, log: pino({ level: 'silent' }) },
  };
}

/** Plain gRPC calls of both services, as another program would make them. */
export function grpcClients(addr: string) {
  const { types } = loadProtos();
  const userStatus = new types.pb.UserStatus(addr, credentials.createInsecure());
  const presence = new types.imstate.v1.PresenceService(addr, credentials.createInsecure());
  return {
    pb: {
      query: (request: QueryUserStatusRequest) =>
        call<QueryUserStatusResponse__Output>((options, done) =>
          userStatus.QueryUserStatus(request, options, done),
        ),
      online: (request: PbOnlineRequest) =>
        call((options, done) => userStatus.Online(request, options, done)),
      offline: (request: PbOfflineRequest) =>
        call((options, done) => userStatus.Offline(request, options, done)),
    },
    v1: {
      online: (request: OnlineRequest) =>
        call<OnlineResponse__Output>((options, done) => presence.Online(request, options, done)),
      offline: (request: OfflineRequest) =>
        call<OfflineResponse__Output>((options, done) => presence.Offline(request, options, done)),
      getUser: (request: GetUserRequest) =>
        call<GetUserResponse__Output>((options, done) => presence.GetUser(request, options, done)),
    },
    close() {
      userStatus.close();
      presence.close();
    },
  };
}

/** A unary call as a promise; fails after a time that no machine needs. */
export function call<Response>(
  start: (options: { deadline: number }, done: (error: Error | null, response?: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + 30_000 }, (error, response) =>
      error ? reject(error) : resolve(response as Response),
    );
  });
}
