import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { Redis } from 'ioredis';
import type { OnlineRequest__Output } from '../../packages/client/src/generated/pb/OnlineRequest.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';

type Handler = (request: OnlineRequest__Output) => Promise<object>;

/**
 * A legacy server: pb.UserStatus and nothing else, with the commands and the hashes in Redis of the Go
 * server.
 */
export interface LegacyServer {
  addr: string;
  /** The number of answered calls of pb.UserStatus. */
  readonly answered: number;
  stop(): void;
}

/** Starts one on this port; by default on a free port. */
export async function startLegacyServer(redisUrl: string, port = 0): Promise<LegacyServer> {
  const redis = new Redis(redisUrl);
  const server = new Server();
  let answered = 0;
  const unary =
    (handler: Handler) =>
    ({ request }: ServerUnaryCall<OnlineRequest__Output, object>, done: sendUnaryData<object>) => {
      answered += 1;
      handler(request).then((response) => done(null, response), done);
    };
  server.addService(loadProtos().types.pb.UserStatus.service, {
    QueryUserStatus: unary(async ({ DeviceID }) => {
      if ((await redis.exists(DeviceID)) === 0) return {};
      const { Status, ServerAddr } = await redis.hgetall(DeviceID);
      return Status === '1' ? { Status: true, ServerAddr } : {};
    }),
    Online: unary(async (request) => {
      await redis.hset(request.DeviceID, legacyRecord(request));
      return {};
    }),
    Offline: unary(async ({ DeviceID }) => {
      await redis.hset(DeviceID, 'Status', 0);
      await redis.expire(DeviceID, 180, 'NX');
      return {};
    }),
  });
  const bound = await new Promise<number>((resolve, reject) => {
    const settle = (error: Error | null, at: number) => (error ? reject(error) : resolve(at));
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), settle);
  });
  return {
    addr: `127.0.0.1:${bound}`,
    get answered() {
      return answered;
    },
    stop: () => {
      server.forceShutdown();
      redis.disconnect();
    },
  };
}

/** The fields that Online writes to the hash of the device. */
export function legacyRecord(login: { UserID: string; DeviceID: string; ServerAddr: string }) {
  const { UserID, DeviceID, ServerAddr } = login;
  const LoginTime = Math.floor(Date.now() / 1_000);
  return { UserID, DeviceID, Status: 1, ServerAddr, LoginTime, LogoutTime: 0 };
}
