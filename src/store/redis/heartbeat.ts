import type { SessionRef } from 'imstate-client/internal/shared/session';
import { END_REASONS } from '../../presence/record.js';
import type { Ended } from '../../presence/sessions.js';
import type { Command, CommandReply } from './command.js';
import type { Texts } from './replies.js';
import { END_OF_ARGUMENT as END, OPERATION } from './scriptConstants.js';

/** The renewal of a session, see scripts/heartbeat.lua. */
export function heartbeatCommand({ userId, deviceId, sessionId }: SessionRef): Command<Ended | undefined> {
  const text = `${OPERATION.OP_HEARTBEAT}${userId}${END}${deviceId}${END}${sessionId}${END}`;
  return { userId, text, isChange: true, readReply: decodeEnded };
}

/** Why the session has ended; undefined if it is current. */
function decodeEnded(reply: CommandReply): Ended | undefined {
  if (reply === 0) return undefined;
  if (typeof reply === 'number') return { reason: END_REASONS[reply], reasonText: '' };
  const texts = reply as Texts;
  if (texts.isAtEnd) return { reason: undefined, reasonText: '' };
  return { reason: END_REASONS[texts.number(1)], reasonText: texts.rest() };
}
