import { ImstateError } from 'imstate-client/internal/shared/errors';

/** The caller of a watch reads too slowly. `revision` is the latest that it was sent, or "". */
export function tooSlow(waiting: number, revision: string): ImstateError {
  return new ImstateError(
    'RESOURCE_EXHAUSTED',
    `the caller reads too slowly, ${waiting} changes wait for it: ${howToGoOn(revision)}, read faster, or ask for coalesce`,
  );
}

/**
 * The backlog of all watches is full, and this watch has a large part of it. `revision`: see {@link tooSlow}.
 */
export function backlogFull(bytes: number, revision: string): ImstateError {
  return new ImstateError(
    'RESOURCE_EXHAUSTED',
    `too much waits for the callers of this daemon's watches (--max-watch-backlog), ${bytes} bytes of it for ` +
      `this one: ${howToGoOn(revision)}, read faster, or ask for coalesce`,
  );
}

function howToGoOn(revision: string): string {
  return revision === '' ? 'begin anew' : `resume from ${revision}`;
}
