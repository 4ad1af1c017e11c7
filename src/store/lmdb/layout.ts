import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { RootDatabase } from 'lmdb';
import { FEATURE_LEVELS, levelFault } from '../featureLevel.js';
import { newStoreId } from '../identity.js';
import { newPseudonymKey } from '../pseudonym.js';

const PSEUDONYM_KEY = 'pseudonymKey';

import type { Migration } from '../store.js';
import { backUp } from './backUp.js';

/**
 * Claims the layout at first use. Later, migrates the data of an older version to the newest feature level,
 * after a backup beside it: one daemon uses the directory, so there is no older one to wait for. Rejects with
 * LAYOUT_MISMATCH for data of a newer version, and with DATA_FOLDER_UNUSABLE if the backup fails; nothing has
 * changed then. Resolves with the migration, if there was one.
 */
export async function claimLayout(root: RootDatabase, dataDir: string): Promise<Migration | undefined> {
  const { version: level } = root.transactionSync(() => {
    if (!root.doesExist('layout')) putLevel(root);
    return root.get('layout');
  });
  const fault = levelFault(level);
  if (fault !== undefined) {
    const message = `the data directory ${dataDir} has feature level ${fault}, or use another --data-dir`;
    throw new ImstateError('LAYOUT_MISMATCH', message, { field: '--data-dir' });
  }
  if (level === FEATURE_LEVELS.max) return undefined;
  const backup = await backUp(dataDir, `presence.lmdb.level-${level}`);
  root.transactionSync(() => putLevel(root));
  return { previousLevel: level, featureLevel: FEATURE_LEVELS.max, backup };
}

function putLevel(root: RootDatabase): void {
  root.put('layout', { version: FEATURE_LEVELS.max });
}

/** The key of pseudonyms, which is created at first use. See PresenceStore.pseudonymOf. */
export function readPseudonymKey(root: RootDatabase): string {
  if (!root.doesExist(PSEUDONYM_KEY)) root.put(PSEUDONYM_KEY, newPseudonymKey());
  return root.get(PSEUDONYM_KEY);
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
