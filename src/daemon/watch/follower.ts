import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ChangeLogEntry } from '../../store/changeLog.js';
import type { PublishedChange } from './publishedChange.js';

/** Follows the change log through a hub. */
export interface Follower {
  /** The users that it follows; undefined for all. */
  readonly userIds: ReadonlySet<string> | undefined;
  /** The chat servers whose sessions it follows; undefined for all. */
  readonly serverAddrs: ReadonlySet<string> | undefined;
  /** How many changes wait until its caller reads, if it has one. */
  readonly waiting?: number;
  /**
   * Receives a change that concerns it. `publish` makes what is sent, once for all followers that call it.
   */
  deliver(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void;
  /** The hub has polled the change log: everything up to now was delivered. */
  tick(): void;
  /** Whether the follower lags has changed: see {@link WatchHub.laggingSinceMs}. */
  lagChanged?(): void;
  /** The hub cannot deliver to it any longer. */
  fail(error: ImstateError): void;
}

/** True if a change concerns a follower. */
export function concerns({ userIds, serverAddrs }: Follower, { change }: ChangeLogEntry): boolean {
  if (userIds) return userIds.has(change.userId);
  if (serverAddrs === undefined) return true;
  const { began, ended } = change;
  return (
    (began && serverAddrs.has(began.serverAddr)) || (ended && serverAddrs.has(ended.serverAddr)) || false
  );
}
