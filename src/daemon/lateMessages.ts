// grpc-js ends a stream by itself where its deadline is over, or a message of it cannot be read or is too large. What the handler
// writes after that it still passes on (1.14): the write fails, and takes the status with it that was on its way, so that the
// caller waits in vain. Here such a write is left out.
import { BaseServerInterceptingCall } from '@grpc/grpc-js/build/src/server-interceptors.js';

/** What is needed here of a call. */
interface Call {
  /** True once the status is to be sent, and nothing else. */
  wantTrailers: boolean;
  sendMessage(message: unknown, done: () => void): void;
}

const prototype = BaseServerInterceptingCall.prototype as unknown as Call;
const { sendMessage } = prototype;

prototype.sendMessage = function (this: Call, message, done) {
  if (!this.wantTrailers) sendMessage.call(this, message, done);
};
