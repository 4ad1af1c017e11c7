import type { RootDatabase } from 'lmdb';
import type { Relay } from '../../presence/relays.js';

const KEY = 'relays';

/** The relays, by name. */
export function readRelays(root: RootDatabase): readonly Relay[] {
  return root.get(KEY) ?? [];
}

/** See PresenceStore.writeRelay. */
export function writeRelay(
  root: RootDatabase,
  name: string,
  relay: Relay | undefined,
  replaces: number,
): boolean {
  const relays = readRelays(root);
  const before = relays.find((each) => each.name === name);
  if ((before?.version ?? 0) !== replaces) return false;
  const others = relays.filter((each) => each.name !== name);
  const all = relay === undefined ? others : [...others, relay];
  root.put(
    KEY,
    all.sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
  return true;
}
