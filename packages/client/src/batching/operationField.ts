import { status } from '@grpc/grpc-js';
import type { OperationError__Output } from '../generated/imstate/v1/OperationError.js';

/** The fields of an operation that have rules. */
const FIELDS = new Set([
  'operation',
  'user_id',
  'device_id',
  'server_addr',
  'session_id',
  'platform',
  'time_to_live',
  'metadata',
  'login_policy',
  'policy',
  'server_incarnation',
  'login_time',
  'client_ip',
  'label',
  'app_version',
  'include_last_seen',
  'grace',
  'heartbeat.user_id',
  'heartbeat.device_id',
  'heartbeat.session_id',
]);

/**
 * The field for which an operation of Apply was rejected. Unlike the error of a call, OperationError has no
 * field for it, but the message of a broken rule starts with its name.
 */
export function fieldOfOperation({ code, message }: OperationError__Output): string | undefined {
  if (code !== status.INVALID_ARGUMENT) return undefined;
  const name = message.slice(0, message.indexOf(' '));
  return FIELDS.has(name) ? name : undefined;
}
