import type { SessionRef } from 'imstate-client/internal/shared/session';
import { allAnswers } from '../operations.js';
import type { ApplyCalls } from './apply.js';
import { type Command, isOne } from './command.js';
import { readUserAtCommand } from './read.js';
import { END_OF_ARGUMENT as END, OPERATION } from './scriptConstants.js';

/** The eviction of one session, see scripts/evict.lua. */
export function evictCommand(
  { userId, deviceId, sessionId }: SessionRef,
  reasonText: string,
): Command<boolean> {
  const text = `${OPERATION.OP_EVICT}${userId}${END}${deviceId}${END}${sessionId}${END}${reasonText}${END}`;
  return { userId, text, isChange: true, readReply: isOne };
}

/** See PresenceStore.evictUser; returns how many sessions were evicted. */
export async function evictUser(
  calls: ApplyCalls,
  userId: string,
  reasonText: string,
  peer: string | undefined,
): Promise<number> {
  const { sessions } = await calls.runOne(readUserAtCommand(userId), peer);
  const commands = sessions.map(({ deviceId, sessionId }) =>
    evictCommand({ userId, deviceId, sessionId }, reasonText),
  );
  const evicted = allAnswers<'offline'>(await calls.run(commands, peer));
  return evicted.filter(Boolean).length;
}
