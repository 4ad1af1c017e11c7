export { type ErrorCode, ImstateError } from '../errors.js';
export type { ClientOptions } from './channel.js';
export type { Client } from './client.js';
export { type ConnectOptions, connect } from './connect.js';
export type {
  CallOptions,
  DeviceState,
  EndedSession,
  GetUserRequest,
  OfflineRequest,
  OfflineResult,
  OnlineRequest,
  OnlineResult,
  SessionEndReason,
  UserState,
} from './messages.js';
