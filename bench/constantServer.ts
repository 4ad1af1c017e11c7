// The reference of unary calls: a bare grpc-js server of pb.UserStatus that answers a constant.
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { serveUserStatus } from './bareServer.ts';

const answer =
  (response: object): UntypedHandleCall =>
  (_call: unknown, callback: (e: null, r: object) => void) =>
    callback(null, response);

serveUserStatus({
  QueryUserStatus: answer({ Status: true, ServerAddr: '10.0.0.1:9000' }),
  Online: answer({}),
  Offline: answer({}),
});
