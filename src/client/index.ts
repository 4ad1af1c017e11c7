export { type ErrorCode, ImstateError } from '../errors.js';
export type { EndReason } from '../store/store.js';
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
  UserState,
} from './messages.js';
