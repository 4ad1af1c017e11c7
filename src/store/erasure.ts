/** What {@link PresenceStore.eraseUser} has done. */
export interface Erasure {
  /** How many entries it removed: records of devices, ended sessions of the history, entries of indexes. */
  records: number;
  /** How many changes it removed from the change log. */
  changes: number;
  /** How many entries it still found afterwards, beside those of devices that are online. */
  left: number;
  /** How many devices of the user are online: they logged in meanwhile. */
  devicesOnline: number;
}
