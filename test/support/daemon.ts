import { randomUUID } from 'node:crypto';
import { type ChannelOptions, type ClientDuplexStream, credentials, type StatusObject } from '@grpc/grpc-js';
import { pino } from 'pino';
import { BearerToken } from '../../packages/client/src/connection/bearerToken.ts';
import type { BatchGetUsersRequest } from '../../packages/client/src/generated/imstate/v1/BatchGetUsersRequest.ts';
import type { BatchGetUsersResponse__Output } from '../../packages/client/src/generated/imstate/v1/BatchGetUsersResponse.ts';
import type { Change__Output } from '../../packages/client/src/generated/imstate/v1/Change.ts';
import type { DeletePolicyRequest } from '../../packages/client/src/generated/imstate/v1/DeletePolicyRequest.ts';
import type { DeletePolicyResponse__Output } from '../../packages/client/src/generated/imstate/v1/DeletePolicyResponse.ts';
import type { DeleteRelayRequest } from '../../packages/client/src/generated/imstate/v1/DeleteRelayRequest.ts';
import type { DeleteRelayResponse__Output } from '../../packages/client/src/generated/imstate/v1/DeleteRelayResponse.ts';
import type { EraseUserRequest } from '../../packages/client/src/generated/imstate/v1/EraseUserRequest.ts';
import type { EraseUserResponse__Output } from '../../packages/client/src/generated/imstate/v1/EraseUserResponse.ts';
import type { EvictRequest } from '../../packages/client/src/generated/imstate/v1/EvictRequest.ts';
import type { EvictResponse__Output } from '../../packages/client/src/generated/imstate/v1/EvictResponse.ts';
import type { ExportUserRequest } from '../../packages/client/src/generated/imstate/v1/ExportUserRequest.ts';
import type { ExportUserResponse__Output } from '../../packages/client/src/generated/imstate/v1/ExportUserResponse.ts';
import type { FinishUpgradeRequest } from '../../packages/client/src/generated/imstate/v1/FinishUpgradeRequest.ts';
import type { FinishUpgradeResponse__Output } from '../../packages/client/src/generated/imstate/v1/FinishUpgradeResponse.ts';
import type { GetStatsResponse__Output } from '../../packages/client/src/generated/imstate/v1/GetStatsResponse.ts';
import type { GetUserRequest } from '../../packages/client/src/generated/imstate/v1/GetUserRequest.ts';
import type { GetUserResponse__Output } from '../../packages/client/src/generated/imstate/v1/GetUserResponse.ts';
import type { HeartbeatRequest } from '../../packages/client/src/generated/imstate/v1/HeartbeatRequest.ts';
import type { HeartbeatResponse__Output } from '../../packages/client/src/generated/imstate/v1/HeartbeatResponse.ts';
import type { ListAuditRequest } from '../../packages/client/src/generated/imstate/v1/ListAuditRequest.ts';
import type { ListAuditResponse__Output } from '../../packages/client/src/generated/imstate/v1/ListAuditResponse.ts';
import type { ListHistoryRequest } from '../../packages/client/src/generated/imstate/v1/ListHistoryRequest.ts';
import type { ListHistoryResponse__Output } from '../../packages/client/src/generated/imstate/v1/ListHistoryResponse.ts';
import type { ListServersRequest } from '../../packages/client/src/generated/imstate/v1/ListServersRequest.ts';
import type { ListServersResponse__Output } from '../../packages/client/src/generated/imstate/v1/ListServersResponse.ts';
import type { ListSessionsRequest } from '../../packages/client/src/generated/imstate/v1/ListSessionsRequest.ts';
import type { ListSessionsResponse__Output } from '../../packages/client/src/generated/imstate/v1/ListSessionsResponse.ts';
import type { OfflineRequest } from '../../packages/client/src/generated/imstate/v1/OfflineRequest.ts';
import type { OfflineResponse__Output } from '../../packages/client/src/generated/imstate/v1/OfflineResponse.ts';
import type { OnlineRequest } from '../../packages/client/src/generated/imstate/v1/OnlineRequest.ts';
import type { OnlineResponse__Output } from '../../packages/client/src/generated/imstate/v1/OnlineResponse.ts';
import type { PauseRelayRequest } from '../../packages/client/src/generated/imstate/v1/PauseRelayRequest.ts';
import type { PauseRelayResponse__Output } from '../../packages/client/src/generated/imstate/v1/PauseRelayResponse.ts';
import type { PutPolicyRequest } from '../../packages/client/src/generated/imstate/v1/PutPolicyRequest.ts';
import type { PutPolicyResponse__Output } from '../../packages/client/src/generated/imstate/v1/PutPolicyResponse.ts';
import type { ReplayRelayRequest } from '../../packages/client/src/generated/imstate/v1/ReplayRelayRequest.ts';
import type { ReplayRelayResponse__Output } from '../../packages/client/src/generated/imstate/v1/ReplayRelayResponse.ts';
import type { RouteRequest } from '../../packages/client/src/generated/imstate/v1/RouteRequest.ts';
import type { RouteResponse__Output } from '../../packages/client/src/generated/imstate/v1/RouteResponse.ts';
import type { SetDefaultPolicyRequest } from '../../packages/client/src/generated/imstate/v1/SetDefaultPolicyRequest.ts';
import type { SetDefaultPolicyResponse__Output } from '../../packages/client/src/generated/imstate/v1/SetDefaultPolicyResponse.ts';
import type { UserSnapshot__Output } from '../../packages/client/src/generated/imstate/v1/UserSnapshot.ts';
import type { WatchRequest } from '../../packages/client/src/generated/imstate/v1/WatchRequest.ts';
import type { WatchResponse__Output } from '../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import type { WatchStart } from '../../packages/client/src/generated/imstate/v1/WatchStart.ts';
import type { WatchUpdate } from '../../packages/client/src/generated/imstate/v1/WatchUpdate.ts';
import type { OfflineRequest as PbOfflineRequest } from '../../packages/client/src/generated/pb/OfflineRequest.ts';
import type { OnlineRequest as PbOnlineRequest } from '../../packages/client/src/generated/pb/OnlineRequest.ts';
import type { QueryUserStatusRequest } from '../../packages/client/src/generated/pb/QueryUserStatusRequest.ts';
import type { QueryUserStatusResponse__Output } from '../../packages/client/src/generated/pb/QueryUserStatusResponse.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import type { DaemonOptions } from '../../src/daemon/daemonOptions.ts';
import { type Daemon, startDaemon } from '../../src/daemon/startDaemon.ts';
import { temporaryDirectory } from './servers.ts';

/** A daemon in this process, on a free port and with its own data directory. */
export interface TestDaemon extends Daemon {
  dataDir: string;
  /** The lines of its log. */
  logged: string[];
  /** Stops it and removes its data directory. */
  remove(): Promise<void>;
}

/** Starts a daemon, with the embedded store unless the overrides name a Redis. */
export async function startTestDaemon(overrides: Partial<DaemonOptions> = {}): Promise<TestDaemon> {
  const folder = await temporaryDirectory();
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => void logged.push(line) });
  try {
    const daemon = await startDaemon({ ...daemonOptions(folder.path), log, ...overrides });
    return Object.assign(daemon, {
      dataDir: overrides.dataDir ?? folder.path,
      logged,
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

/** Options of an embedded daemon. In Redis it uses its own key prefix. */
function daemonOptions(dataDir: string): DaemonOptions {
  return {
    addr: '127.0.0.1',
    port: 0,
    advertise: undefined,
    dataDir,
    redis: undefined,
    keyPrefix: `test-${randomUUID()}:`,
    shards: undefined,
    retentionMs: 180_000,
    historyLimit: 100,
    historyRetentionMs: 86_400_000,
    historyIp: 'prefix',
    changeLimit: 100_000,
    maxDevices: 1_000,
    auditLimit: 10_000,
    etcd: undefined,
    service: 'im/state-server',
    leaseTtlMs: 2_000,
    maxConnectionAgeMs: 0,
    drainDelayMs: 0,
    maxConnections: 10_000,
    maxCallsInFlight: 4_000,
    maxWatches: 10_000,
    readyShards: 50,
    maxWatchBacklogBytes: 256 * 2 ** 20,
    startTimeoutMs: 30_000,
    log: pino({ level: 'silent' }),
  };
}

/**
 * Plain gRPC calls of both services, as another program would make them, with a token or without. All share a
 * connection, unless the options of the channel say otherwise.
 */
export function grpcClients(addr: string, token?: string, channel: ChannelOptions = {}) {
  const { types } = loadProtos();
  const interceptors = token === undefined ? [] : [new BearerToken({ token }).interceptor];
  const options = { ...channel, interceptors };
  const userStatus = new types.pb.UserStatus(addr, credentials.createInsecure(), options);
  const presence = new types.imstate.v1.PresenceService(addr, credentials.createInsecure(), options);
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
      route: (request: RouteRequest) =>
        call<RouteResponse__Output>((options, done) => presence.Route(request, options, done)),
      batchGetUsers: (request: BatchGetUsersRequest) =>
        call<BatchGetUsersResponse__Output>((options, done) =>
          presence.BatchGetUsers(request, options, done),
        ),
      apply: () => new AnsweredStream(presence.Apply()),
      heartbeat: (request: HeartbeatRequest) =>
        call<HeartbeatResponse__Output>((options, done) => presence.Heartbeat(request, options, done)),
      listHistory: (request: ListHistoryRequest) =>
        call<ListHistoryResponse__Output>((options, done) => presence.ListHistory(request, options, done)),
      listSessions: (request: ListSessionsRequest) =>
        call<ListSessionsResponse__Output>((options, done) => presence.ListSessions(request, options, done)),
      listServers: (request: ListServersRequest) =>
        call<ListServersResponse__Output>((options, done) => presence.ListServers(request, options, done)),
      listAudit: (request: ListAuditRequest = {}) =>
        call<ListAuditResponse__Output>((options, done) => presence.ListAudit(request, options, done)),
      finishUpgrade: (request: FinishUpgradeRequest) =>
        call<FinishUpgradeResponse__Output>((options, done) =>
          presence.FinishUpgrade(request, options, done),
        ),
      pauseRelay: (request: PauseRelayRequest) =>
        call<PauseRelayResponse__Output>((options, done) => presence.PauseRelay(request, options, done)),
      replayRelay: (request: ReplayRelayRequest) =>
        call<ReplayRelayResponse__Output>((options, done) => presence.ReplayRelay(request, options, done)),
      deleteRelay: (request: DeleteRelayRequest) =>
        call<DeleteRelayResponse__Output>((options, done) => presence.DeleteRelay(request, options, done)),
      putPolicy: (request: PutPolicyRequest) =>
        call<PutPolicyResponse__Output>((options, done) => presence.PutPolicy(request, options, done)),
      deletePolicy: (request: DeletePolicyRequest) =>
        call<DeletePolicyResponse__Output>((options, done) => presence.DeletePolicy(request, options, done)),
      setDefaultPolicy: (request: SetDefaultPolicyRequest) =>
        call<SetDefaultPolicyResponse__Output>((options, done) =>
          presence.SetDefaultPolicy(request, options, done),
        ),
      exportUser: (request: ExportUserRequest) =>
        call<ExportUserResponse__Output>((options, done) => presence.ExportUser(request, options, done)),
      eraseUser: (request: EraseUserRequest) =>
        call<EraseUserResponse__Output>((options, done) => presence.EraseUser(request, options, done)),
      getStats: () => call<GetStatsResponse__Output>((options, done) => presence.GetStats({}, options, done)),
      evict: (request: EvictRequest) =>
        call<EvictResponse__Output>((options, done) => presence.Evict(request, options, done)),
      keepServerAlive: () => new AnsweredStream(presence.KeepServerAlive()),
      watch: (start: WatchStart) => new WatchStream(presence.Watch(), start),
    },
    /** For calls with other metadata. */
    presence,
    close() {
      userStatus.close();
      presence.close();
    },
  };
}

/**
 * A stream with a response to each message: send() resolves with it, or rejects with the error of the stream.
 */
class AnsweredStream<Request, Response> {
  /** Resolves with the status at the end of the stream. */
  readonly ended: Promise<StatusObject>;
  readonly #stream: ClientDuplexStream<Request, Response>;
  readonly #waiting: { resolve(response: Response): void; reject(error: unknown): void }[] = [];

  constructor(stream: ClientDuplexStream<Request, Response>) {
    this.#stream = stream;
    stream.on('data', (response: Response) => this.#waiting.shift()?.resolve(response));
    stream.on('error', (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
    stream.on('end', () => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error('the stream ended without an answer'));
    });
    this.ended = new Promise((resolve) => stream.on('status', resolve));
  }

  send(request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#stream.write(request);
    });
  }

  end(): void {
    this.#stream.end();
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** A watch that collects its responses. */
export class WatchStream {
  readonly responses: WatchResponse__Output[] = [];
  /** Resolves with the status at the end of the stream. */
  readonly ended: Promise<StatusObject>;
  readonly #stream: ClientDuplexStream<WatchRequest, WatchResponse__Output>;

  constructor(stream: ClientDuplexStream<WatchRequest, WatchResponse__Output>, start: WatchStart) {
    this.#stream = stream;
    stream.on('data', (response: WatchResponse__Output) => this.responses.push(response));
    stream.on('error', () => {});
    this.ended = new Promise((resolve) => stream.on('status', resolve));
    stream.write({ start });
  }

  get changes(): Change__Output[] {
    return this.responses.flatMap((response) => response.changes);
  }

  get snapshot(): UserSnapshot__Output[] {
    return this.responses.flatMap((response) => response.snapshot);
  }

  get syncs(): number {
    return this.responses.filter(({ synced }) => synced).length;
  }

  /** The revision from which to resume. */
  get revision(): string {
    return this.responses.at(-1)?.revision ?? '';
  }

  update(update: WatchUpdate): void {
    this.#stream.write({ update });
  }

  /** Sends nothing more, and continues to read. */
  finish(): void {
    this.#stream.end();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** A unary call as a promise, with a deadline that no machine needs. */
export function call<Response>(
  start: (options: { deadline: number }, done: (error: Error | null, response?: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + 120_000 }, (error, response) =>
      error ? reject(error) : resolve(response as Response),
    );
  });
}
