import { createHash } from 'node:crypto';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken, checkId, checkServerName } from '../presence/validate.js';

/** The fields of a legacy hash that an import reads. A legacy server also writes LogoutTime, always as 0. */
export const LEGACY_FIELDS = ['UserID', 'DeviceID', 'Status', 'ServerAddr', 'LoginTime'] as const;

/** A hash in Redis, with the values of {@link LEGACY_FIELDS}; null for a missing field. */
export interface LegacyHash {
  key: Buffer;
  fields: readonly (Buffer | null)[];
}

/** A login at a legacy server. */
export interface LegacyLogin {
  userId: string;
  deviceId: string;
  serverAddr: string;
  loginTime: Date;
  /** The same in every import of this login, so that a repeated import is a refresh. */
  sessionId: string;
}

/** A hash: an online device, an offline device, an invalid record, or not of a legacy server. */
export type LegacyRecord =
  | { kind: 'online'; login: LegacyLogin }
  | { kind: 'offline' }
  | { kind: 'invalid'; key: string; error: ImstateError }
  | { kind: 'other' };

/** The end of the year 9999: a greater number is not a time in seconds. */
const MAX_LOGIN_TIME_S = 253_402_300_799;

/** Reads one hash. */
export function readLegacyRecord({ key, fields }: LegacyHash): LegacyRecord {
  const [userId, deviceId, status] = fields;
  // A logout of an unknown device leaves a hash with only a Status.
  const isRemnant = userId === null && deviceId === null && String(status) === '0';
  if (isRemnant) return { kind: 'offline' };
  if (!userId && !deviceId) return { kind: 'other' };
  try {
    const login = readLogin(key, fields);
    return login === undefined ? { kind: 'offline' } : { kind: 'online', login };
  } catch (error) {
    if (!(error instanceof ImstateError)) throw error;
    return { kind: 'invalid', key: key.toString(), error };
  }
}

/** Undefined if the device is offline; throws INVALID_ARGUMENT for an invalid record. */
function readLogin(key: Buffer, fields: LegacyHash['fields']): LegacyLogin | undefined {
  const [userId, , status, serverAddr, loginTime] = LEGACY_FIELDS.map((name, i) =>
    text(name, fields[i] ?? null),
  ) as [string, string, string, string, string];
  if (status === '0') return undefined;
  if (status !== '1') throw broken('Status', 'must be 0 or 1');
  if (fields[1] !== null && !fields[1]?.equals(key)) throw broken('DeviceID', 'must be the key of the hash');
  const device = text('DeviceID', key);
  checkId('UserID', userId);
  checkId('DeviceID', device);
  checkServerName('ServerAddr', serverAddr);
  return {
    ...identify(userId, device, serverAddr, loginTime),
    loginTime: toTime(loginTime),
  };
}

function identify(userId: string, deviceId: string, serverAddr: string, loginTime: string) {
  const name = JSON.stringify([userId, deviceId, serverAddr, loginTime]);
  const digest = createHash('sha256').update(name).digest('base64url').slice(0, 16);
  return { userId, deviceId, serverAddr, sessionId: `legacy-${digest}` };
}

function toTime(loginTime: string): Date {
  const seconds = /^\d{1,12}$/.test(loginTime) ? Number(loginTime) : 0;
  if (seconds < 1 || seconds > MAX_LOGIN_TIME_S) {
    throw broken('LoginTime', 'must be a time in seconds since 1970');
  }
  return new Date(seconds * 1_000);
}

function text(name: string, bytes: Buffer | null): string {
  if (bytes === null) return '';
  try {
    // A byte order mark is part of an ID.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw broken(name, 'must be UTF-8');
  }
}
