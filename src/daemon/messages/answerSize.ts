import { ImstateError } from 'imstate-client/internal/shared/errors';
import { NO_DETAILS } from '../../presence/details.js';
import { LIMITS } from '../../presence/limits.js';
import type { Session } from '../../presence/sessions.js';
import type { UserRead } from '../../store/operations.js';

const MAX_BYTES = LIMITS.answerBytes.max;
/** A device on the wire beside its texts: tags, lengths and times. */
const DEVICE_BYTES = 64;
const EXPLANATION_BYTES = 160;
/** An entry of the metadata beside its texts. */
const ENTRY_BYTES = 8;
/** A user beside its devices: the id, and what was left out. */
export const USER_BYTES = LIMITS.id.max + 20;
/** The most that the details of a login and a reason text take. */
const MAX_DETAILS_BYTES = 48 + 4 * LIMITS.label.max + LIMITS.appVersion.max + LIMITS.reasonText.max + 16;
/** The most that a device takes on the wire. */
export const MAX_DEVICE_BYTES =
  DEVICE_BYTES +
  EXPLANATION_BYTES +
  2 * LIMITS.id.max +
  LIMITS.address.max +
  MAX_DETAILS_BYTES +
  LIMITS.platform.max +
  LIMITS.metadata.max +
  LIMITS.metadataEntries.max * ENTRY_BYTES;

/** The part of a user's sessions for which a response has room. */
export interface Shown {
  sessions: readonly Session[];
  metadataOmitted: boolean;
  /** How many sessions were left out. */
  devicesOmitted: number;
  /** See UserRead. */
  lastSeenMs?: number | undefined;
}

/** What of a device goes into an answer. */
interface Form {
  metadata: boolean;
  explanation: boolean;
}

/** How many bytes a text takes, or more. */
export type Measure = (text: string) => number;

export const atMost: Measure = (text) => 3 * text.length;
export const exactly: Measure = (text) => Buffer.byteLength(text);

/**
 * What a response about one user has room for: everything, or everything without metadata, or the devices
 * that are online, or the newest of them.
 */
export function showUser(sessions: readonly Session[], explanation = false): Shown {
  if (fits([sessions], { metadata: true, explanation })) return whole(sessions);
  const bare = { metadata: false, explanation };
  if (fits([sessions], bare)) return withoutMetadata(sessions);
  const kept = new Set<Session>();
  let bytes = USER_BYTES;
  for (const session of [...sessions.filter(isOnline), ...sessions.filter((each) => !isOnline(each))]) {
    bytes += sizeOf(session, bare, exactly);
    if (bytes > MAX_BYTES) break;
    kept.add(session);
  }
  return {
    sessions: sessions.filter((session) => kept.has(session)),
    metadataOmitted: true,
    devicesOmitted: sessions.length - kept.size,
  };
}

/**
 * What a response about several users has room for: everything, or everything without metadata. Otherwise it
 * is rejected: the caller asks for fewer. One user alone is shown as {@link showUser} does.
 */
export function showUsers(users: readonly UserRead[]): Shown[] {
  const [user, ...others] = users;
  if (user !== undefined && others.length === 0) {
    return [{ ...showUser(user.sessions), lastSeenMs: user.lastSeenMs }];
  }
  const sessions = users.map((user) => user.sessions);
  const hasRoom = fits(sessions, { metadata: true, explanation: false });
  if (!hasRoom && !fits(sessions, { metadata: false, explanation: false })) throw tooLarge();
  const show = hasRoom ? whole : withoutMetadata;
  return users.map((user) => show(user.sessions, user.lastSeenMs));
}

export function whole(sessions: readonly Session[], lastSeenMs?: number): Shown {
  return { sessions, metadataOmitted: false, devicesOmitted: 0, lastSeenMs };
}

export function withoutMetadata(sessions: readonly Session[], lastSeenMs?: number): Shown {
  return { sessions, metadataOmitted: true, devicesOmitted: 0, lastSeenMs };
}

export function tooLarge(): ImstateError {
  const message = `the answer would be larger than ${MAX_BYTES / 2 ** 20} MiB: ask for fewer users at once`;
  return new ImstateError('RESOURCE_EXHAUSTED', message);
}

/**
 * True if a response has room for everything. The usual response is small by its counts, and is not measured.
 */
function fits(users: readonly (readonly Session[])[], form: Form): boolean {
  const devices = users.reduce((sum, { length }) => sum + length, 0);
  if (users.length * USER_BYTES + devices * MAX_DEVICE_BYTES <= MAX_BYTES) return true;
  return [atMost, exactly].some((measure) => {
    let left: number = MAX_BYTES;
    return users.every((sessions) => {
      left -= sizeOfUser(sessions, form, measure);
      return left >= 0;
    });
  });
}

export function sizeOfUser(sessions: readonly Session[], form: Form, measure: Measure): number {
  return sessions.reduce((sum, session) => sum + sizeOf(session, form, measure), USER_BYTES);
}

/** How many bytes a device takes. */
export function sizeOf(session: Session, form: Form, measure: Measure): number {
  const { deviceId, sessionId, serverAddr, platform, metadata, details, reasonText } = session;
  let bytes = DEVICE_BYTES + measure(deviceId) + measure(sessionId) + measure(serverAddr) + measure(platform);
  if (form.explanation) bytes += EXPLANATION_BYTES;
  if (details !== NO_DETAILS || reasonText !== '') bytes += MAX_DETAILS_BYTES;
  if (!form.metadata) return bytes;
  for (const [key, value] of Object.entries(metadata)) bytes += ENTRY_BYTES + measure(key) + measure(value);
  return bytes;
}

function isOnline({ online }: Session): boolean {
  return online;
}
