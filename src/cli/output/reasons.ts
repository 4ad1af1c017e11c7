import type { EndReason } from 'imstate-client';

/** Reasons as half a sentence. */
const SENTENCES: Record<EndReason, string> = {
  LOGOUT: 'it was logged out',
  REPLACED: 'another login replaced it',
  EXPIRED: 'it was not renewed within its time to live',
  SERVER_LOST: 'its chat server was lost or restarted',
  EVICTED: 'it was evicted',
  REJECTED: 'a session policy rejected its login',
  UNKNOWN: 'it ended for a reason that this version of imstate does not know',
};

/** Why a session ended, as half a sentence. */
export function reasonSentence(reason: EndReason | undefined): string {
  if (reason === undefined) return 'the reason is unknown';
  return SENTENCES[reason];
}
