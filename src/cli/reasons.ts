import type { EndReason } from '../client/index.js';

/** Why a session ended, as half a sentence. */
const SENTENCES: Record<EndReason, string> = {
  LOGOUT: 'it was logged out',
  REPLACED: 'another login replaced it',
  EXPIRED: 'it was not renewed within its time to live',
  SERVER_LOST: 'its chat server was lost or restarted',
  EVICTED: 'it was evicted',
};

/** Half a sentence that says why a session ended; a newer daemon may know a reason that this one does not. */
export function reasonSentence(reason: EndReason | undefined): string {
  if (reason === undefined) return 'it is not known why';
  return SENTENCES[reason] ?? `it ended (${reason})`;
}
