import type { SessionPage, SessionsPage } from '../../presence/listings.js';
import { unpackRecord } from '../../presence/record.js';
import { foreignPageToken, formatPageToken, parsePageToken } from '../pageToken.js';
import { type Reading, toReadable } from './read.js';
import { LAST, type SessionKey } from './tables.js';

/** What a page token holds: the last session of the previous page. */
const TOKEN_SHAPE: SessionKey = ['', '', ''];

/** See PresenceStore.listSessions. */
export function listSessions(reading: Reading, { serverAddr, limit, after }: SessionPage): SessionsPage {
  const only = serverAddr === undefined ? [] : [serverAddr];
  const start = after === undefined ? only : parsePageToken(after, TOKEN_SHAPE);
  if (serverAddr !== undefined && start[0] !== serverAddr) throw foreignPageToken();
  const range = {
    start: start as unknown as SessionKey,
    end: [...only, LAST] as unknown as SessionKey,
  };
  const { sessions, records } = reading.tables;
  const keys = [...sessions.getKeys({ ...range, exclusiveStart: true, limit })];
  const found = keys.flatMap(([, userId, deviceId]) => {
    const packed = records.get([userId, deviceId]);
    const session = packed && toReadable(reading, unpackRecord(deviceId, packed));
    return session?.online ? [{ userId, session }] : [];
  });
  const last = keys.length === limit ? keys.at(-1) : undefined;
  return { sessions: found, next: last && formatPageToken(last), isPartial: false };
}
