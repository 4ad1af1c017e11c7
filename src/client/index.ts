export { type ErrorCode, ImstateError } from '../errors.js';
export {
  type CallOptions,
  Client,
  type ClientOptions,
  type DeviceState,
  type EndedSession,
  type GetUserRequest,
  type OfflineRequest,
  type OnlineRequest,
  type OnlineResult,
  type SessionEndReason,
  type UserState,
} from './client.js';
export { type ConnectOptions, connect } from './connect.js';
