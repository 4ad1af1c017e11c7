import type { Logout } from '../../presence/sessions.js';
import { type Command, isOne } from './command.js';
import { END_OF_ARGUMENT as END, OPERATION } from './scriptConstants.js';

/** A logout, see scripts/offline.lua. */
export function offlineCommand({ userId, deviceId, sessionId, graceMs }: Logout): Command<boolean> {
  const text = `${OPERATION.OP_OFFLINE}${userId}${END}${deviceId}${END}${sessionId ?? ''}${END}${graceMs}${END}`;
  return { userId, text, isChange: true, readReply: isOne };
}
