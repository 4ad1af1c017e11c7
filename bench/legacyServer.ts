// A reference: a bare grpc-js server for pb.UserStatus on the legacy layout. Usage: legacyServer.ts
// REDIS_URL.
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { Redis } from 'ioredis';
import type { OnlineRequest__Output } from '../packages/client/src/generated/pb/OnlineRequest.ts';
import { serveUserStatus } from './bareServer.ts';
import { change, fieldsOf, keyOf, query } from './legacyLayout.ts';

const redis = new Redis(process.argv[2] as string);

/** A handler that responds with the result of `work`. */
const handler =
  (work: (request: OnlineRequest__Output, key: string) => Promise<object>) =>
  ({ request }: ServerUnaryCall<OnlineRequest__Output, object>, callback: sendUnaryData<object>) => {
    work(request, keyOf(request.UserID, request.DeviceID)).then(
      (response) => callback(null, response),
      (error: Error) => callback(error),
    );
  };

serveUserStatus({
  QueryUserStatus: handler(async (_, key) => {
    const found = await query(redis, key);
    return { Status: found?.status === '1', ServerAddr: found?.server_addr ?? '' };
  }),
  Online: handler(async ({ ServerAddr }, key) => {
    await change(redis, key, fieldsOf(1, ServerAddr));
    return {};
  }),
  Offline: handler(async (_, key) => {
    await change(redis, key, fieldsOf(0, ''));
    return {};
  }),
});
