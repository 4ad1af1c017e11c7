import type { EndReason } from 'imstate-client';

/** Reasons as half a sentence. */
const SENTENCES: Record<EndReason, string> = {
  LOGOUT: 'it was logged out',
  REPLACED: 'another login replaced it',
  EXPIRED: 'it was not renewed within its time to live',
  SERVER_LOST: 'its chat server was lost or restarted',
  EVICTED: 'it was evicted',
  UNKNOWN: 'it ended for a reason that only a later version of imstate knows',
};

/** Why a session ended, as half a sentence. */
export function reasonSentence(reason: EndReason | undefined): string {
  if (reason === undefined) return 'it is not known why';
  return SENTENCES[reason];
}
