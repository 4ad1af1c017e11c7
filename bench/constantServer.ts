// The reference for unary calls: a bare grpc-js server for pb.UserStatus that returns a constant.
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { serveUserStatus } from './bareServer.ts';

const respondWith =
  (response: object): UntypedHandleCall =>
  (_call: unknown, callback: (e: null, r: object) => void) =>
    callback(null, response);

serveUserStatus({
  QueryUserStatus: respondWith({ Status: true, ServerAddr: '10.0.0.1:9000' }),
  Online: respondWith({}),
  Offline: respondWith({}),
});
