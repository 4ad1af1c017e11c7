import { ImstateError } from 'imstate-client/internal/shared/errors';

/** The caller of a watch reads too slowly. `revision` is the latest that it was sent, or "". */
export function tooSlow(waiting: number, revision: string): ImstateError {
  return new ImstateError(
    'RESOURCE_EXHAUSTED',
    `the caller reads too slowly (${waiting} changes wait): ${howToContinue(revision)}, and read faster or set coalesce`,
  );
}

/**
 * The backlog of all watches is full, and this watch has a large part of it. `revision`: see {@link tooSlow}.
 */
export function backlogFull(bytes: number, revision: string): ImstateError {
  return new ImstateError(
    'RESOURCE_EXHAUSTED',
    `the backlog of all watches is full (--max-watch-backlog), and this watch holds ${bytes} bytes of it: ` +
      `${howToContinue(revision)}, and read faster or set coalesce`,
  );
}

function howToContinue(revision: string): string {
  return revision === '' ? 'start again' : `resume from ${revision}`;
}
