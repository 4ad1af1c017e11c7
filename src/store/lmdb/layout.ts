import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { RootDatabase } from 'lmdb';
import { newStoreId } from '../identity.js';

/**
 * Version of the keys and records in the data directory: increased by a change that an older imstate cannot
 * read.
 */
const LAYOUT_VERSION = 1;

/**
 * Claims the layout at first use; later, throws LAYOUT_MISMATCH unless this version can use the one in force.
 */
export function claimLayout(root: RootDatabase, dataDir: string): void {
  const { version } = root.transactionSync(() => {
    if (!root.doesExist('layout')) root.put('layout', { version: LAYOUT_VERSION });
    return root.get('layout');
  });
  if (version === LAYOUT_VERSION) return;
  throw new ImstateError(
    'LAYOUT_MISMATCH',
    `the data directory ${dataDir} holds layout version ${version} and this imstate needs ` +
      `${LAYOUT_VERSION}: use the imstate that wrote it, or another --data-dir`,
    { field: '--data-dir' },
  );
}

/**
 * The identity of this data, created if there is none. Undefined if the disk is full: the next start tries
 * again. See PresenceStore.identity.
 */
export function claimIdentity(root: RootDatabase): string | undefined {
  try {
    return root.transactionSync(() => {
      if (!root.doesExist('identity')) root.put('identity', newStoreId());
      return root.get('identity');
    });
  } catch {
    return undefined;
  }
}
